"""Prefect server of a command: the configured one, or a temporary one."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows import prefect_folder, prefect_settings
from flows.processes import watchdog
from flows.processes.process_groups import NO_TELEMETRY, ProcessGroups
from flows.processes.stage_errors import quote
from tasks.runtime.errors import BreathlineError
from tasks.sources import proxies

# The server of Prefect itself takes 15 to 25 s with a fresh database; the default limit is 20 s.
STARTUP_TIMEOUT = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
SERVER = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
SERVER += ["--host", "127.0.0.1", "--log-level", "error", "--lifespan", "on"]
EPHEMERAL = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
HEALTH_TIMEOUT_S = 10.0
DEFAULT_PORT = 4200


def check(address: str | None = None) -> str | None:
    """Choose the server of this process and its children before the import of Prefect, and check that it answers.

    Args:
        address: Address of the server, with or without ``/api``; None for the configured server.

    Returns:
        URL of its API; None if no server is configured, so that Prefect starts a temporary one.

    Raises:
        BreathlineError: The server does not answer, a SOCKS proxy needs a package that is missing, or a file of
            Prefect's settings cannot be read.
    """
    prefect_settings.check(Path())
    if address:
        url = address if address.startswith(("http://", "https://")) else f"http://{address}"
        os.environ["PREFECT_API_URL"] = f"{url.rstrip('/').removesuffix('/api')}/api"
    for name, value in (NO_TELEMETRY | STARTUP_TIMEOUT).items():
        os.environ.setdefault(name, value)
    proxies.bypass_loopback()
    proxies.check()
    import httpx
    from prefect.settings import PREFECT_API_URL

    from tasks.sources import responses

    api = PREFECT_API_URL.value()
    if api is None:
        return None
    try:
        httpx.get(f"{api}/health", timeout=HEALTH_TIMEOUT_S, follow_redirects=True).raise_for_status()
    except httpx.HTTPError as error:
        raise BreathlineError(
            f"The Prefect server does not answer: {responses.fault(str(api), error)}.",
            where=f"PREFECT_API_URL={api}",
            hint="start it (`prefect server start`), or unset PREFECT_API_URL; `dvc repro` needs none",
        ) from error
    return str(api)


def ensure() -> None:
    """Check the configured server or, without one, start a server that ends with this process.

    Prefect ends its temporary server when Python exits normally. After a KILL, also while the server starts, the
    watchdog ends it. The server has a session of its own: Ctrl-C and `timeout` signal the whole group of this process,
    which still has to report the end of its run.

    Raises:
        BreathlineError: The configured server does not answer, or Prefect cannot write into its folder.
    """
    if check() is not None:
        return
    prefect_folder.check()
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import get_current_settings

    class WatchedServer(SubprocessASGIServer):
        # As the overridden method does, except for the session and the watchdog.
        def _run_uvicorn_command(self) -> subprocess.Popen[Any]:
            given = get_current_settings().to_environment_variables(exclude_unset=True)
            env = {**os.environ, **EPHEMERAL, **given}
            process = subprocess.Popen([*SERVER, "--port", str(self.port)], env=env, start_new_session=True)  # noqa: S603 - Prefect's server
            watchdog.start(process.pid)
            return process

    WatchedServer().start()


def require(address: str | None) -> str:
    """Choose the server as `check` does, and return the URL of its API."""
    url = check(address)
    if url is None:
        example = f"--server http://127.0.0.1:{DEFAULT_PORT}"
        hint = f"start a server (`prefect server start --host 127.0.0.1`), then add `{example}` or set PREFECT_API_URL"
        raise BreathlineError("No Prefect server is named.", hint=hint)
    return url


@contextmanager
def temporary(log: Path, *, timeout_s: float = 120) -> Iterator[str]:
    """Start a server with scheduler and UI on loopback; it ends with the context, or with this process.

    Args:
        log: File for its output.
        timeout_s: Maximum time until it answers, in seconds; with a fresh database, 16 to 25 s are usual.

    Yields:
        URL of its API, which this process then uses.
    """
    proxies.check()
    prefect_folder.check()
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    # The server that Prefect starts for a single flow has no scheduler: no schedule would ever start a run.
    with log.open("w", encoding="utf-8", buffering=1) as file, ProcessGroups() as processes:
        options = {"env": {"PREFECT_API_URL": url}, "log": lambda line: print(line, file=file)}
        thread = threading.Thread(target=processes.run, args=(command, log.parent), kwargs=options)
        thread.start()
        try:
            deadline = time.monotonic() + timeout_s
            while not _answers(url):
                if not thread.is_alive() or time.monotonic() > deadline:
                    end = quote(log.read_text(encoding="utf-8").splitlines()[-20:])
                    raise BreathlineError(f"The Prefect server did not start. The end of its log:\n{end}", where=log)
                time.sleep(0.2)
            _set_server(url)
            yield url
        finally:
            processes.end()
            thread.join()
            _set_server(None)


def _set_server(url: str | None) -> None:
    """Set the server of this process, or no server, after Prefect was imported."""
    from prefect.context import refresh_global_settings_context

    if url is None:
        os.environ.pop("PREFECT_API_URL", None)
    else:
        os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()


def _answers(url: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    """Return the default port of Prefect's UI, or any free port if another server uses it."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
