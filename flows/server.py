"""Which Prefect server a command talks to, made sure of before any flow starts."""

from __future__ import annotations

import os
import subprocess
import sys

from flows.processes import watchdog
from flows.processes.process_groups import NO_TELEMETRY
from tasks.runtime.errors import BreathlineError

# Prefect's own server takes 15 to 25 s to start where its database has to be made first; its limit is 20 s.
STARTING = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
ANSWER_S = 10.0


def ready() -> str | None:
    """Set what Prefect wants to find before its import, and return the API's URL of the server that is configured.

    Returns:
        The URL; none where Prefect starts a server of its own for the time of a command.

    Raises:
        BreathlineError: The server that is configured does not answer.
    """
    for name, value in (NO_TELEMETRY | STARTING).items():
        os.environ.setdefault(name, value)
    import httpx
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if url is None:
        return None
    try:
        httpx.get(f"{url}/health", timeout=ANSWER_S, follow_redirects=True).raise_for_status()
    except httpx.HTTPError as error:
        raise BreathlineError(
            f"The Prefect server does not answer: {error}.",
            where=f"PREFECT_API_URL={url}",
            hint="start it (`prefect server start`), or unset PREFECT_API_URL; `dvc repro` needs none",
        ) from error
    return str(url)


def at_hand() -> None:
    """Make sure that a server is there: the one that is configured, or one for as long as this process lives.

    Prefect ends the server that it starts by itself when Python ends in order; after a KILL it would live on.

    Raises:
        BreathlineError: The server that is configured does not answer.
    """
    if ready() is not None:
        return
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    server.start()
    assert server.server_process is not None  # noqa: S101 - it was started
    command = [sys.executable, watchdog.__file__, str(server.server_process.pid)]
    subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # its input ends with this process
