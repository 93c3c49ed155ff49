"""DVC, `breathline`, stages and test processes as forks of a process that has imported their libraries.

The imports take most of the time of such a process. `run` and the script of `stages_first` send a command, its folder,
its environment and its streams to the server of its kind. All processes of a test session share the servers. Each fork
is a process of its own. The code of a project is imported in the fork, from the folder of the command.
"""

import fcntl
import functools
import gc
import json
import logging
import os
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import types
import warnings
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
# Those of stages, of `breathline` and of the tests.
PYTHON_LIBRARIES = (
    *DVC_LIBRARIES,
    "great_expectations",
    "httpx",
    "jinja2",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "mlcroissant",
    "polars",
    "prefect.main",
    "prefect.testing.utilities",
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
# The first process of a session, which owns the servers, gives its number and the time to the test processes by this
# variable. The number alone may be that of an earlier session, whose servers were killed.
OWNER = "PYTEST_FORKS_OWNER"


def run(folder: Path, command: Sequence[str], env: Mapping[str, str], output: IO[str]) -> int:
    """Run `dvc` or `breathline` with arguments in a folder, its output in a file, and return its exit status."""
    with open(os.devnull, "rb") as devnull:
        streams = [devnull.fileno(), output.fileno(), output.fileno()]
        return _ask(_server("dvc" if command[0] == "dvc" else "python"), [*command], str(folder), dict(env), streams)


def stages_first(env: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which `python -m cli.stage` is a fork."""
    folder = Path(_server("python")).parent
    return {**env, "PATH": os.pathsep.join([str(folder), env["PATH"]])}


def worker() -> str:
    """Return the command of a Python interpreter that is a fork, for a process of pytest-xdist."""
    return shlex.join([sys.executable, "-S", __file__, _server("python"), "worker"])


@functools.cache
def _server(kind: str) -> str:
    """Start the server of a kind, unless another process of this session did, and return the path of its socket."""
    owner = os.environ.setdefault(OWNER, f"{os.getpid()}-{time.time_ns()}")
    folder = Path(tempfile.gettempdir(), f"forks-{kind}-{owner}")
    folder.mkdir(mode=0o700, exist_ok=True)
    address = folder / "socket"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.exists():
            python = folder / "python"
            python.write_text(PYTHON.format(python=sys.executable, file=__file__, socket=address), encoding="utf-8")
            python.chmod(0o700)
            command = [sys.executable, __file__, "--serve", kind, str(address), owner.partition("-")[0]]
            server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
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
    gc.disable()  # The garbage collector would walk through all modules again and again, in each fork as well.
    for name in (*late, *DVC_LIBRARIES) if kind == "dvc" else PYTHON_LIBRARIES:
        with suppress(ImportError):
            import_module(name)
    gc.freeze()
    gc.enable()
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
        if sys.argv[0] != "worker":
            # Only tests want them: they would be added to the output.
            warnings.simplefilter("ignore", EncodingWarning)
            if "PREFECT_HOME" in os.environ and "prefect" in sys.modules:
                import_module("prefect.context").refresh_global_settings_context()
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


def _run_worker() -> None:
    """Run the program of `-c`, the last argument."""
    program, sys.argv, sys.path[0] = sys.argv[-1], ["-c"], ""
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(program, vars(main))  # noqa: S102 - as the interpreter does


COMMANDS: dict[str, Callable[[], int | None]] = {
    "dvc": _run_dvc,
    "breathline": _run_breathline,
    "stage": _run_stage,
    "worker": _run_worker,
}


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        _serve(*sys.argv[2:4], int(sys.argv[4]))
    else:
        sys.exit(_ask(sys.argv[1], sys.argv[2:], os.getcwd(), dict(os.environ), [0, 1, 2]))
