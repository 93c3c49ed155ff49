"""DVC, `breathline` and stages as forks of a process that has imported their libraries, which takes most of their time.

`run` and the script of `stages_first` send a command, its folder, its environment and its streams to the server of its
kind. All processes of a test session share the servers. Each fork is a process of its own. The code of a project is
imported in the fork, from the folder of the command.
"""

import fcntl
import functools
import json
import logging
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
# A stage with PATH of `stages_first` runs this script in place of `python -m cli.stage NAME`.
PYTHON = """\
#!/bin/sh
if [ "$1 $2" = "-m cli.stage" ]; then shift 2; exec "{python}" -S "{file}" "{socket}" stage "$@"; fi
exec "{python}" "$@"
"""
DVC_LIBRARIES = ("dulwich.ignore", "dulwich.index", "dvc.repo", "dvc_data.index", "networkx", "xml.etree.ElementTree")
# Those of stages and of `breathline`.
STAGE_LIBRARIES = (
    *DVC_LIBRARIES,
    "great_expectations",
    "httpx",
    "jinja2",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "polars",
    "pyarrow.parquet",
    "pydantic.dataclasses",
    "pydantic.json_schema",
    "rich.logging",
    "rich.progress",
    "rich.syntax",
    "safetensors.torch",
    "scipy.signal",
    "scipy.stats",
    "sklearn.decomposition",
    "sklearn.linear_model",
    "sklearn.manifold",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.neighbors",
    "soundfile",
    "tenacity",
    "timm",
    "torch._dynamo",
    "torchaudio",
    "typer",
)


def run(folder: Path, command: Sequence[str], env: Mapping[str, str], output: IO[str]) -> int:
    """Run `dvc` or `breathline` with arguments in a folder, its output in a file, and return its exit status."""
    with open(os.devnull, "rb") as devnull:
        streams = [devnull.fileno(), output.fileno(), output.fileno()]
        return _ask(_server("dvc" if command[0] == "dvc" else "stage"), [*command], str(folder), dict(env), streams)


def stages_first(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which `python -m cli.stage` is a fork."""
    folder = Path(_server("stage")).parent
    return {**env, "PATH": os.pathsep.join([str(folder), env["PATH"]])}


@functools.cache
def _server(kind: str) -> str:
    """Start the server of a kind, unless another process of this session did, and return the path of its socket."""
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(tempfile.gettempdir(), f"forks-{kind}-{owner}")
    folder.mkdir(mode=0o700, exist_ok=True)
    address = folder / "socket"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.exists():
            python = folder / "python"
            python.write_text(PYTHON.format(python=sys.executable, file=__file__, socket=address), encoding="utf-8")
            python.chmod(0o700)
            command = [sys.executable, __file__, "--serve", kind, str(address), str(owner)]
            # A fork cannot switch this off: warnings would be added to the output.
            env = os.environ | {"PYTHONWARNDEFAULTENCODING": ""}
            server = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
    return str(address)


def _ask(address: str, arguments: list[str], folder: str, env: dict[str, str], streams: list[int]) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        order = json.dumps({"arguments": arguments, "folder": folder, "env": env}).encode()
        socket.send_fds(connection, [len(order).to_bytes(4, "big")], streams)
        connection.sendall(order)
        status = connection.recv(1)
        return status[0] if status else 128 + signal.SIGKILL


def _serve(kind: str, address: str, owner: int) -> None:
    """Fork a process for each order until the owner, the first process of the session, has ended."""
    late = json.loads((ROOT / "flows/processes/late_imports.json").read_text(encoding="utf-8"))
    for name in (*late, *DVC_LIBRARIES) if kind == "dvc" else STAGE_LIBRARIES:
        with suppress(ImportError):
            import_module(name)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        while _alive(owner):
            if not select.select([server], [], [], 1)[0]:
                continue
            connection = server.accept()[0]
            with suppress(ChildProcessError):  # there are no children
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if os.fork() == 0:
                server.close()
                _answer(connection)
            connection.close()
    shutil.rmtree(Path(address).parent, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _answer(connection: socket.socket) -> None:
    """Run the ordered command in this process, send its exit status and end."""
    status = 70
    try:
        size, streams, _, _ = socket.recv_fds(connection, 4, 3)
        order = json.loads(connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        # The objects of the server remember whether its own streams could seek.
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            options = {"mode": "w" if number else "r", "buffering": 1 if name == "stderr" else -1, "closefd": False}
            setattr(sys, name, os.fdopen(number, encoding="utf-8", errors="backslashreplace", **options))
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["folder"])
        sys.argv = order["arguments"]
        status = int(COMMANDS[sys.argv[0]]() or 0)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send(bytes([status]))
        os._exit(status)


def _run_dvc() -> int:
    from dvc.cli import main

    return int(main(sys.argv[1:]))


def _run_breathline() -> None:
    sys.path[0] = os.getcwd()
    import_module("cli.main").app()


def _run_stage() -> None:
    sys.path[0] = os.getcwd()
    sys.modules.pop("__mp_main__", None)  # name that multiprocessing gives to this file
    runpy.run_module("cli.stage", run_name="__main__", alter_sys=True)


COMMANDS: dict[str, Callable[[], int | None]] = {"dvc": _run_dvc, "breathline": _run_breathline, "stage": _run_stage}


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        _serve(*sys.argv[2:4], int(sys.argv[4]))
    else:
        sys.exit(_ask(sys.argv[1], sys.argv[2:], os.getcwd(), dict(os.environ), [0, 1, 2]))
