"""Fixtures of all tests, and how tests are spread over parallel processes."""

import dataclasses
import gc
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest

from tasks.runtime import stage
from tasks.runtime.hooks import hooks
from tests import forked
from tests.built_once import build_once

# Settings of the user change no test. It is done here, before other modules of the tests copy the environment.
os.environ |= {"GIT_CONFIG_GLOBAL": str(Path(__file__).with_name("gitconfig")), "GIT_CONFIG_NOSYSTEM": "1"}
os.umask(0o022)

# No limits of time: what a busy machine takes for an example says nothing of the code. Each run has the same examples;
# the fuzz tests of `make test-long` look for new ones.
SAME = {
    "deadline": None,
    "derandomize": True,
    # Examples that share a temporary folder write all of its files anew.
    "suppress_health_check": [hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
}
hypothesis.settings.register_profile("breathline", **SAME)
hypothesis.settings.register_profile("quick", **SAME, max_examples=15)
hypothesis.settings.load_profile("breathline")


# Files whose tests share a costly fixture, by the fixture: a process of its own makes it once.
GROUPS = {
    "run": (
        "disk_faults",
        "dvc",
        "int8_cycles",
        "kill_matrix",
        "kills",
        "nightly_audit",
        "numbers",
        "registry",
        "removal",
        "reproduction",
        "tampering",
        "verify",
    ),
    "server": (
        "artifacts",
        "backfill",
        "bigger_repository",
        "dask",
        "deployments",
        "flow",
        "leaderboard_flow",
        "monitoring",
        "new_data",
        "two_runs",
        "workers",
    ),
}
GROUP_OF = {f"tests/pipeline/test_{name}.py": group for group, names in GROUPS.items() for name in names}
# Exhaustive tests that take longer than all others: all processes share them.
SPREAD = "tests/pipeline/test_kill_matrix.py::test_kills_at_seeded_moments_of_any_stage"


# Folder of files in memory, and the bytes that must be free there and in the machine: the tests take 2 GB at most.
MEMORY, ROOM = Path("/dev/shm"), 8 * 2**30  # noqa: S108 - pytest makes folders of its own there


def pytest_configure() -> None:
    """Keep temporary folders in memory where it has room, and let Ctrl-C end processes.

    A copy of the finished run takes 0.3 s of CPU time there, and up to 3 s on a disk. A shell that starts tests in the
    background lets them, and all their processes, ignore Ctrl-C.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if MEMORY.is_dir() and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        free = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
        if free > ROOM and os.access(MEMORY, os.W_OK):
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


# The garbage collector would walk through all modules again and again while they are imported.
gc.disable()


def pytest_collection_finish() -> None:
    """Collect garbage from here on, but never among what the modules of all tests have imported."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Return a scheduler that keeps the tests of a file, or of a group of files, in one process.

    `--dist loadgroup` does not: pytest-xdist 3.8 tells groups by a private field that pytest 9.2 no longer has.
    """
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if nodeid.startswith(SPREAD) else GROUP_OF.get(file, file)

    return GroupScheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[Any]) -> None:
    """Let the test processes be forks, which need not import the slow libraries again."""
    for spec in specs:
        spec.python = forked.worker()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let each test, with its fixtures, draw the same numbers, whichever tests ran before it in the same process."""
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(67280421310721)  # with which torch starts


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long the tests of each group took: a file of tests/pipeline, or a package of tests/unit."""
    if not terminalreporter.config.getoption("durations"):
        return
    seconds: Counter[str] = Counter()
    ends: dict[str, float] = {}
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        if isinstance(report, pytest.TestReport):
            seconds["/".join(report.nodeid.partition("::")[0].split("/")[:3])] += report.duration
            worker = getattr(report, "worker_id", "the process")
            ends[worker] = max(report.stop, ends.get(worker, 0))
    terminalreporter.section(f"{sum(seconds.values()) / 60:.1f} worker-minutes, by group")
    for group, took in seconds.most_common():
        terminalreporter.write_line(f"{took / 60:6.2f}  {group}")
    for worker, end in sorted(ends.items()):
        terminalreporter.write_line(f"{worker} ended {max(ends.values()) - end:.0f} s before the last process")


@pytest.fixture(autouse=True)
def no_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test without hooks: the launcher of a stage sets them for its whole process."""
    for field in dataclasses.fields(hooks):
        monkeypatch.setattr(hooks, field.name, None)


@pytest.fixture(autouse=True)
def own_console() -> None:
    """Let each test have a console of its own, since some replace standard error by a terminal."""
    stage.console.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def no_foreign_modules() -> Iterator[None]:
    """Accept the modules of this process in records of other folders; a stage of a test is a process of its own."""
    from lineage import foreign_modules

    with pytest.MonkeyPatch.context() as patch:
        for name in ("accepted", "so_far"):
            patch.setattr(foreign_modules, name, lambda root: foreign_modules.ForeignModules({}, (), ()))
        yield


@pytest.fixture(scope="session")
def real_icbhi() -> Path:
    """Return the folder of real recordings (its `unpack.py` lays them out), or skip, visibly."""
    folder = os.environ.get("BREATHLINE_REAL_ICBHI")
    if not folder:
        pytest.skip("BREATHLINE_REAL_ICBHI names no folder of real recordings")
    return Path(folder)


@pytest.fixture(scope="session")
def real_sprsound() -> Path:
    """Return the folder of real recordings of SPRSound (its `unpack.py` lays them out), or skip, visibly."""
    folder = os.environ.get("BREATHLINE_REAL_SPRSOUND")
    if not folder:
        pytest.skip("BREATHLINE_REAL_SPRSOUND names no folder of real recordings")
    return Path(folder)


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """Return the folder of published weights, or skip, visibly."""
    folder = os.environ.get("BREATHLINE_WEIGHTS")
    if not folder:
        pytest.skip("BREATHLINE_WEIGHTS names no folder of published weights")
    return Path(folder)


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small project; tests that change it make a copy."""
    from tests.unit.lineage import small

    return build_once(tmp_path_factory, "small", small.build)


@pytest.fixture(scope="session")
def small_run(small_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small project with a committed dvc.lock and a cache; tests that change it make a copy."""
    from tests.unit.lineage import small

    def build(root: Path) -> None:
        shutil.copytree(small_project, root)
        small.lock(root)

    return build_once(tmp_path_factory, "small-run", build)
