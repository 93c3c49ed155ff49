"""The Prefect server that deployments go to, or one of our own for as long as something is served."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from flows import server
from flows.processes.process_groups import NO_TELEMETRY
from flows.processes.stage_process import StageProcesses
from tasks.runtime.errors import BreathlineError

USUAL_PORT = 4200


def use(asked: str | None) -> str | None:
    """Make this process, and those that it starts, talk to a server, before anything of Prefect is imported.

    Args:
        asked: Its address, with or without ``/api``; the configured one, if not given.

    Returns:
        The address of its API; none where no server is configured.

    Raises:
        BreathlineError: Nothing answers there.
    """
    if asked:
        os.environ["PREFECT_API_URL"] = _api(asked)
    return server.ready()


def needed(asked: str | None) -> str:
    """Do what `use` does, and take no for no answer.

    Raises:
        BreathlineError: No server is named, or it does not answer.
    """
    url = use(asked)
    if url is None:
        example = f"--server http://127.0.0.1:{USUAL_PORT}"
        hint = f"start one (`prefect server start --host 127.0.0.1`), then name it: `{example}`, or PREFECT_API_URL"
        raise BreathlineError("No Prefect server is named.", hint=hint)
    return url


@contextmanager
def own(log: Path, *, patience_s: float = 120) -> Iterator[str]:
    """Start a server with its scheduler and UI on loopback, and end it with the context, or with this process.

    Args:
        log: Where its output goes.
        patience_s: How long it may take to start, in seconds; on a fresh database, 16 to 25 are usual.

    Yields:
        The address of its API; this process talks to it.

    Raises:
        BreathlineError: It does not start.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    # It has a scheduler, which the server that Prefect itself starts for a flow lacks: no schedule would ever fire.
    groups, tail = StageProcesses(), deque[str](maxlen=20)
    with log.open("w", encoding="utf-8", buffering=1) as file:

        def note(line: str) -> None:
            tail.append(line)
            file.write(f"{line}\n")

        env = {"PREFECT_API_URL": url, **NO_TELEMETRY}
        thread = threading.Thread(target=groups.run, args=(command, log.parent), kwargs={"env": env, "log": note})
        thread.start()
        try:
            deadline = time.monotonic() + patience_s
            while not _answers(url):
                if not thread.is_alive() or time.monotonic() > deadline:
                    end = "\n".join(f"  | {line}" for line in tail)
                    raise BreathlineError(f"The Prefect server did not start. The end of its log:\n{end}", where=log)
                time.sleep(0.2)
            _settle(url)
            yield url
        finally:
            groups.end()
            thread.join()
            _settle(None)


def _settle(url: str | None) -> None:
    """Make Prefect, which is imported by now, talk to this server, or to none that is named."""
    from prefect.context import refresh_global_settings_context

    if url is None:
        os.environ.pop("PREFECT_API_URL", None)
    else:
        os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()


def _api(address: str) -> str:
    url = address.rstrip("/")
    if not url.startswith(("http://", "https://")):
        url = f"http://{url}"
    return url if url.endswith("/api") else f"{url}/api"


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    """Return the port that Prefect's UI usually has or, where another server holds it, any free one."""
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise BreathlineError("There is no free port on 127.0.0.1.")
