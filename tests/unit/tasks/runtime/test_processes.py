"""Processes end with the process that started them, whenever and however it ends."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tasks.runtime import processes
from tasks.runtime.errors import BreathlineError

ROOT = Path(__file__).parents[4]
START = {
    "pool": "from functools import partial; from tasks.runtime import parallel; import time\n"
    "list(parallel.in_processes(time.sleep, [600] * 4, workers=2, ahead=0))",
    "demo generator": "import sys; from pathlib import Path; from tasks.corpora.demo import corpus\n"
    "corpus.generate(Path(sys.argv[1]), seed=1, patients=4000, workers=2)",
    "children": "from functools import partial; from tasks.runtime import processes; import time\n"
    "processes.run_children([partial(time.sleep, 600)] * 2)",
}


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start commands in sessions of their own; afterwards no process of them is left."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: str, **options: object) -> subprocess.Popen[bytes]:
        options = {"cwd": ROOT, "stderr": subprocess.DEVNULL, "start_new_session": True} | options
        started.append(subprocess.Popen([sys.executable, *command], **options))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def children_of(process: subprocess.Popen[bytes], count: int) -> list[psutil.Process]:
    """Wait until a process has so many children, and return them."""
    deadline = time.monotonic() + 60
    while len(found := psutil.Process(process.pid).children(recursive=True)) < count:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    return found


def left(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return the processes that do not end within a minute, though they would live for ten, and end them."""
    _, alive = psutil.wait_procs(processes, timeout=60)
    for process in alive:
        process.kill()
    return alive


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "moment"), [*((kind, "start") for kind in START), ("demo generator", "work")])
def test_a_kill_leaves_no_process(start, tmp_path, kind, moment):
    process = start("-c", START[kind], str(tmp_path))
    found = children_of(process, 3)  # two workers, and the resource tracker of multiprocessing
    if moment == "work":
        time.sleep(0.4)
    process.kill()
    assert left(found) == []


def test_children_report_errors_and_kills(capfd, monkeypatch):
    monkeypatch.setattr(processes, "GRACE_S", 0.2)
    with pytest.raises(BreathlineError, match="invalid literal for int"):
        processes.run_children([partial(int, "x"), partial(time.sleep, 600)])
    with pytest.raises(BreathlineError, match="One of 2 processes was killed by SIGKILL"):
        processes.run_children([partial(os.kill, 0, 0), partial(signal.raise_signal, signal.SIGKILL)])
    processes.run_children([partial(time.sleep, 0)])
    assert "Traceback" not in capfd.readouterr().err


CHILD = "import time; from tasks.runtime.parent_death import terminate_with_parent; terminate_with_parent()"
ENDLESS = f"{CHILD}; print('watching', flush=True); time.sleep(600)"
PARENT = "import os, subprocess, sys; subprocess.Popen(sys.argv[1:]); os.wait()"
NO_PRCTL = f"import ctypes; ctypes.CDLL = lambda *_, **__: object(); {ENDLESS}"
BEHIND_A_SHELL = ["sh", "-c", '"$0" -c "$1"; true', sys.executable, ENDLESS]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("child", "variables"),
    [
        ([sys.executable, "-c", ENDLESS], {}),
        ([sys.executable, "-c", NO_PRCTL], {}),
        (BEHIND_A_SHELL, {"DVC_STAGE": "fbank@ast"}),
    ],
    ids=["prctl", "without prctl", "DVC behind a shell"],
)
def test_a_process_ends_with_its_parent(start, child, variables):
    parent = start("-c", PARENT, *child, env=os.environ | variables, stdout=subprocess.PIPE)
    assert parent.stdout.readline() == b"watching\n"
    found = children_of(parent, 1)
    time.sleep(0.2)  # the thread looks for a shell
    assert all(process.is_running() for process in found)
    parent.kill()
    assert left(found) == []


@pytest.fixture(scope="module")
def endless(tmp_path_factory) -> Path:
    """Return a copy of the code with a stage that imports torch and never ends."""
    root = tmp_path_factory.mktemp("endless")
    for name in ("cli", "lineage", "models", "tasks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    code = "import time\nimport torch\n\ndef main():\n    time.sleep(600)\n"
    (root / "tasks/endless.py").write_text(code)
    return root


MOMENTS = [0.0, 0.01, 0.05, 0.3, 1.0]


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["dash", pytest.param("bash", marks=pytest.mark.long)])
def test_a_stage_ends_when_dvc_alone_dies_within_its_first_second(start, endless, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    command = [shell, "-c", f"{sys.executable} -m cli.stage endless"]
    env = os.environ | {"DVC_STAGE": "endless", "PYTHONPATH": str(endless)}
    stages = []
    for moment in MOMENTS:
        parent = start("-c", PARENT, *command, cwd=endless, env=env)
        found = children_of(parent, 1)
        time.sleep(moment)
        stages += [*found, *psutil.Process(parent.pid).children(recursive=True)]
        parent.kill()
    assert left(stages) == []


# The modules that start processes. Git, nvidia-smi and the like are waited for with a time limit or end by themselves.
STARTERS = {
    "tasks/runtime/processes.py": "pools and children",
    "flows/prefect_server.py": "the temporary server, in a session of its own",
    "flows/processes/process_guard.py": "a command that ends with its flow",
    "flows/processes/process_groups.py": "guarded commands of a flow",
    "flows/processes/watchdog.py": "the watchdog itself",
}
PACKAGES = ("breathline", "cli", "flows", "lineage", "models", "tasks")
CALLS = re.compile(
    r"(subprocess\.)?Popen|((concurrent\.)?futures\.)?ProcessPoolExecutor|os\.(fork|forkpty|posix_spawn|spawn.*|system)"
    r"|(torch\.)?(multiprocessing|context|_context)\.(Process|Pool|spawn|start_processes)|start_processes"
)


@pytest.mark.slow
def test_processes_are_started_in_one_way():
    found = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and CALLS.fullmatch(ast.unparse(node.func)):
                found.add(path.relative_to(ROOT).as_posix())
    assert found == set(STARTERS)
