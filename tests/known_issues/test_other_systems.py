"""Functions that only Linux has: macOS has no list of usable cores, no /proc, and no signal of a parent's death."""

import ast
import getpass
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lineage import machine
from tasks.corpora import source_files
from tasks.runtime import hardware
from tasks.runtime.errors import BreathlineError
from tasks.sources.collection import Member
from tests import toy
from tests.pipeline import runs
from tests.unit.tasks.corpora.invented import Coughs

PACKAGES = ("benchmarks", "breathline", "cli", "flows", "lineage", "models", "tasks")
# Names of the standard library that macOS lacks, and paths of Linux.
LINUX_ONLY = {
    "sched_getaffinity", "sched_setaffinity", "posix_fadvise", "posix_fallocate", "memfd_create", "copy_file_range",
    "pidfd_open", "eventfd", "splice", "getxattr", "setxattr", "listxattr", "getrandom", "prctl", "sync_file_range",
    "epoll", "EPOLLIN", "O_TMPFILE", "O_DIRECT", "unshare", "sigtimedwait", "sigwaitinfo", "RLIMIT_NPROC",
}  # fmt: skip
PLACES = ("/proc", "/sys", "/dev/shm")  # noqa: S108 - words that are searched for
# The one module for each, with a fallback.
ALLOWED = {
    "lineage/machine.py": {"/proc"},
    "tasks/runtime/hardware.py": {"sched_getaffinity", "/proc", "/sys"},
    "tasks/runtime/error_output.py": {"/proc"},
    "tasks/runtime/parent_death.py": {"prctl"},
}


def uses(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node.attr if isinstance(node, ast.Attribute) else node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (place for place in PLACES if node.value.startswith(f"{place}/"))


@pytest.mark.slow
def test_the_code_uses_what_only_linux_has_in_one_place_each():
    found = {}
    for path in (path for name in PACKAGES for path in (toy.ROOT / name).rglob("*.py")):
        names = set(uses(ast.parse(path.read_text(encoding="utf-8")))) & {*LINUX_ONLY, *PLACES}
        if names:
            found[path.relative_to(toy.ROOT).as_posix()] = names
    assert found == ALLOWED


def test_cores_memory_and_names_without_what_only_linux_has(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(hardware, "CPU_INFO", Path("/no/such/file"))
    monkeypatch.setattr(hardware, "CPU_NAME", (sys.executable, "-c", "print('Apple M3')"))
    monkeypatch.setattr(hardware, "CGROUP", Path("/no/such/folder"))
    found = machine.hardware()
    assert hardware.cpu_quota() is None
    assert 0 < hardware.free_memory() < hardware.total_memory()
    assert hardware.usable_cores() == os.cpu_count()
    assert found["cpu"] == "Apple M3"
    assert found["memory_mb"] == psutil.virtual_memory().total // 2**20
    monkeypatch.setattr(hardware, "CPU_NAME", ("no-such-program",))
    assert hardware.cpu_name()


X86 = "processor\t: 0\ncpu family\t: {}\nmodel\t\t: 2\nmodel name\t: AMD EPYC\nstepping\t: 1\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nCPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (X86.format(26), "AMD EPYC, family 26, model 2, stepping 1"),
        (X86.format(25), "AMD EPYC, family 25, model 2, stepping 1"),
        (ARM, f"{platform.machine()}, implementer 0x41, part 0xd0c, variant 0x3, revision 1"),
        ("model name\t: RISC\n", "RISC"),
    ],
)
def test_processors_of_one_name_are_told_apart(tmp_path, monkeypatch, text, name):
    (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "cpuinfo")
    assert hardware.cpu_name() == name


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("AMD EPYC", "AMD EPYC, family 26, model 2, stepping 1", True),  # logged before the kinds were
        ("AMD EPYC, family 25, model 2, stepping 1", "AMD EPYC, family 26, model 2, stepping 1", False),
        ("AMD EPYC 7R13", "AMD EPYC", False),
        ("Apple M3", "Apple M3", True),
    ],
)
def test_names_without_a_kind_are_compared_by_the_name(one, other, same):
    assert machine.same_processor(one, other) == machine.same_processor(other, one) == same


def test_peak_memory_is_in_bytes_on_both_systems(monkeypatch):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert hardware.peak_memory() == pytest.approx(1024 * peak, rel=0.01)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert hardware.peak_memory() == pytest.approx(peak, rel=0.01)


def test_a_user_without_a_name_has_a_number(monkeypatch):
    def unknown():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", unknown)
    monkeypatch.setattr(os, "getuid", lambda: 4123456)
    assert machine.identity()["user"] == "4123456"


CHILD = """
import sys, time
from tasks.runtime import parent_death
parent_death.POLL_S = 0.05
sys.platform = "darwin"
parent_death.terminate_with_parent()
print("ready", flush=True)
time.sleep(600)
"""
PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]]).wait()"


@pytest.mark.slow
def test_a_process_ends_with_its_parent_without_prctl():
    command = [sys.executable, "-c", PARENT, CHILD]
    env = toy.ENV | {"PYTHONPATH": str(toy.ROOT)}
    with subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == "ready\n"
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
        assert psutil.wait_procs([child], timeout=60)[1] == [] or child.status() == psutil.STATUS_ZOMBIE


def members(*names):
    return [Member(name=name, origin=f"corpus/{name}", size=0, chunks=tuple) for name in names]


@pytest.mark.parametrize(("one", "other"), [("b01", "B01"), ("Ma\u0308r", "m\u00e4r")])
def test_recordings_that_some_file_systems_take_for_one_are_refused(one, other):
    any_name = Coughs()
    any_name.check_name = lambda *_: None
    any_name.annotation_suffix = ".txt"
    assert list(source_files.sort(members(f"{one}.wav", f"{one}.txt", "c.wav"), any_name).audio) == [one, "c"]
    with pytest.raises(BreathlineError, match=r"(?s)upper and lower case only.*x/") as refused:
        source_files.sort(members(f"{one}.wav", f"x/{other}.wav"), any_name)
    assert refused.value.where == f"corpus/{one}.wav and corpus/x/{other}.wav"


# A stage in a Python without them. psutil itself reads /proc: it has other code for other systems.
STAGE = """
import os, runpy, sys
for name in ("sched_getaffinity", "posix_fadvise", "posix_fallocate", "memfd_create", "copy_file_range", "getxattr"):
    delattr(os, name)
def refuse(event, arguments):
    if event == "open" and str(arguments[0]).startswith(("/proc/", "/sys/")):
        frame = sys._getframe(1)
        while frame is not None and "psutil" not in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is None:
            raise FileNotFoundError(2, "not on this system", arguments[0])
sys.addaudithook(refuse)
for name in ("download", "extract", "validate"):
    sys.argv = ["cli.stage", f"{name}@CORPUS"]
    runpy.run_module("cli.stage", run_name="__main__")
"""


@pytest.mark.long  # three stages in one process
def test_stages_run_without_them(tmp_path):
    folder = toy.checkout(toy.ROOT, tmp_path / "project")
    runs.edit(folder, runs.small)
    code = STAGE.replace("CORPUS", runs.CORPUS)
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, '.')\n{code}"]
    toy.call(folder, *command)
    assert (folder / f"data/lineage/validate@{runs.CORPUS}.json").is_file()
