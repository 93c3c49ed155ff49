"""Process of the server: its socket, its temporary files, and an orderly end."""

import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

import uvicorn
from fastapi import FastAPI

from tasks.runtime import garbage
from tasks.runtime.errors import BreathlineError
from tasks.serving import telemetry
from tasks.serving.connections import Connection

PREFIX = "breathline-serve-"  # of folders of temporary files; the number of the process follows
TERMINATED = 128 + signal.SIGTERM  # exit status, as a shell counts
HEAD_BYTES = 2**16  # largest head of a request
CONNECTIONS = 256


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: Address or name to listen on.
        port: Port; 0 for any that is free.

    Raises:
        BreathlineError: The address cannot be used.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=CONNECTIONS)
    except (OSError, OverflowError) as error:
        what = f"The server cannot listen: {getattr(error, 'strerror', None) or error}."
        hint = "choose another port (`--port`), or end the program that uses this one"
        raise BreathlineError(what, where=f"{host}:{port}", hint=hint) from error


def serve(create: Callable[[Path], FastAPI], listener: socket.socket, grace_s: int) -> None:
    """Serve an application until SIGINT or SIGTERM; requests under way are finished.

    Args:
        create: Function that returns the application, from a folder for temporary files.
        listener: Socket that listens.
        grace_s: Longest time in seconds for the requests under way at the end.
    """
    telemetry.log_to_standard_error()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # uvicorn raises the signal again at its end
    with _temporary_folder() as folder:
        garbage.collect_as_usual()
        uvicorn.Server(settings(create(folder), grace_s)).run(sockets=[listener])


def settings(app: FastAPI, grace_s: int) -> uvicorn.Config:
    """Return the settings of uvicorn.

    Args:
        app: Application.
        grace_s: Longest time in seconds for the requests under way at the end.
    """
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=grace_s,
        h11_max_incomplete_event_size=HEAD_BYTES,
    )


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Yield a folder that is removed after the block; those of servers that were killed are removed now."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        number = left.name.removeprefix(PREFIX).partition("-")[0]
        with suppress(OSError):
            if number.isdecimal() and left.stat().st_uid == os.getuid() and not _is_running(int(number)):
                rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return True
    return True
