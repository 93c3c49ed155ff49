"""DVC's list of files in use, with real processes of DVC that are killed, suspended or cut the list off."""

import errno
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from dvc import lock, rwlock

from flows import graph
from flows.processes import file_entries, files_in_use
from flows.processes.stage_process import StageProcesses
from flows.remote import stage_files
from tasks.runtime.errors import BreathlineError
from tests import toy

EDIT = rwlock._edit_rwlock  # DVC's own
CUT_OFF = [None, "", '{"write": {"/project/o', "\0\0\0"]


@pytest.fixture
def whole(monkeypatch) -> None:
    """Let the DVC of this process, and of its forks, keep the list whole."""
    monkeypatch.setattr(rwlock, "_edit_rwlock", EDIT)
    files_in_use.keep_whole()


@contextmanager
def using(folder: Path, *written: str, read: Sequence[str] = ()) -> Iterator[None]:
    """Use files as DVC does while it runs a stage."""
    from dvc.fs import localfs

    with rwlock.rwlock(str(folder), localfs, "dvc repro", list(read), list(written), False):
        yield


def killed_while_writing(folder: Path) -> int:
    """Kill a process in the middle of the list, and return the number of the signal that ended it."""
    child = os.fork()
    if child == 0:
        try:

            def write_half(_: object, file) -> None:
                file.write('{"write": {"/proj')
                file.flush()
                os.kill(os.getpid(), signal.SIGKILL)

            json.dump = write_half
            with using(folder, "/project/other"):
                pass
        finally:
            os._exit(1)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def test_a_kill_in_the_middle_of_the_list_leaves_the_list_as_it_was(whole, tmp_path):
    with using(tmp_path, "/project/out", read=["/project/dep"]):
        before = (tmp_path / "rwlock").read_bytes()
        assert b"/project/dep" in before
        assert killed_while_writing(tmp_path) == signal.SIGKILL
        assert (tmp_path / "rwlock").read_bytes() == before
    assert json.loads((tmp_path / "rwlock").read_text()) == {}


@pytest.mark.parametrize("left", CUT_OFF)
def test_a_process_whose_entries_another_one_has_cut_off_restores_them(whole, tmp_path, left):
    path = tmp_path / "rwlock"
    with using(tmp_path, "/project/out", read=["/project/dep"]):
        before = json.loads(path.read_text())
        path.unlink() if left is None else path.write_text(left)
        with using(tmp_path, "/project/later"):
            now = json.loads(path.read_text())
            assert now["read"] == before["read"]
            assert now["write"] == before["write"] | {"/project/later": before["write"]["/project/out"]}
        assert json.loads(path.read_text()) == before
    assert json.loads(path.read_text()) == {}


def test_a_file_that_a_living_process_uses_stays_refused(whole, tmp_path):
    used = {"write": {"/project/out": {"pid": os.getppid(), "cmd": "dvc repro"}}, "read": {}}
    (tmp_path / "rwlock").write_text(json.dumps(used))
    with pytest.raises(lock.LockError, match="is busy"), using(tmp_path, "/project/out"):
        pass
    assert json.loads((tmp_path / "rwlock").read_text()) == used


@contextmanager
def beside(folder: Path) -> Iterator[Callable[..., int]]:
    """Let another process use `/project/out`; yield a function that ends or kills it and returns its status."""
    ready, began = os.pipe()
    go, end = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with using(folder, "/project/out", read=["/project/dep"]):
                os.write(began, b".")
                os.read(go, 1)
            status = 0
        finally:
            os._exit(status)

    def stop(number: int | None = None) -> int:
        if number is None:
            os.write(end, b".")
        else:
            os.kill(child, number)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    os.read(ready, 1)
    try:
        yield stop
    finally:
        with suppress(ChildProcessError):  # a test that fails has not ended it
            if os.waitpid(child, os.WNOHANG) == (0, 0):
                stop(signal.SIGKILL)
        for pipe in (ready, began, go, end):
            os.close(pipe)


def cut_off(folder: Path, left: str | None) -> None:
    path = folder / "rwlock"
    path.unlink() if left is None else path.write_text(left)


def restore(folder: Path) -> None:
    """Restore the list as `breathline plan` does."""
    files_in_use.restore(SimpleNamespace(tmp_dir=str(folder), config={"core": {}}))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("left", CUT_OFF)
def test_files_of_a_running_process_stay_refused_after_the_list_is_cut_off(whole, monkeypatch, tmp_path, left, plain):
    with beside(tmp_path) as stop:
        before = json.loads((tmp_path / "rwlock").read_text())
        cut_off(tmp_path, left)
        if plain:  # `breathline plan`, then a `dvc repro` by hand
            restore(tmp_path)
            assert json.loads((tmp_path / "rwlock").read_text()) == before
            monkeypatch.setattr(rwlock, "_edit_rwlock", EDIT)
        for written, read in ([["/project/out"], []], [["/project/dep"], []], [[], ["/project/out"]]):
            with pytest.raises(lock.LockError, match="is busy"), using(tmp_path, *written, read=read):
                pass
        assert stop() == 0
    assert json.loads((tmp_path / "rwlock").read_text()) == {}
    assert list(tmp_path.glob("rwlock.*")) == [tmp_path / "rwlock.lock"]


@pytest.mark.parametrize("plain", [False, True])
def test_files_of_a_killed_process_are_free_after_the_list_is_cut_off(whole, tmp_path, plain):
    with beside(tmp_path) as stop:
        cut_off(tmp_path, "{")
        (kept,) = tmp_path.glob("rwlock.entries-*")
        # As if the system had given the id of the killed process to a running one.
        kept.write_text(kept.read_text().replace(str(json.loads(kept.read_text())[0][2]), str(os.getppid())))
        assert stop(signal.SIGKILL) == -signal.SIGKILL
    if plain:
        restore(tmp_path)
        assert not (tmp_path / "rwlock").exists()
    with using(tmp_path, "/project/out", "/project/dep"):
        assert not kept.exists()


def test_an_entry_of_another_container_with_the_same_process_id_is_not_restored(whole, tmp_path):
    path = tmp_path / "rwlock"
    other = {"pid": os.getpid(), "cmd": "dvc repro elsewhere"}
    path.write_text(json.dumps({"read": {"/project/dep": [other]}, "write": {"/project/other": other}}))
    with using(tmp_path, "/project/out", read=["/project/dep"]):
        used = json.loads(path.read_text())
        assert used["read"]["/project/dep"][0] == used["write"].pop("/project/other") == other
        used["read"]["/project/dep"].remove(other)
        path.write_text(json.dumps(used))  # the other process ends
    assert json.loads(path.read_text()) == {}


def test_a_process_restores_its_own_entries_on_a_disk_without_locks(whole, monkeypatch, tmp_path):
    def refuse(_file, _operation) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_entries, "fcntl", SimpleNamespace(flock=refuse, LOCK_EX=0, LOCK_NB=0, LOCK_SH=0))
    with using(tmp_path, "/project/out", read=["/project/dep"]):
        assert list(tmp_path.glob("rwlock.entries-*")) == []
        cut_off(tmp_path, "{")
    assert json.loads((tmp_path / "rwlock").read_text()) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_edit_rwlock", None),
        ("_edit_rwlock", lambda lock_dir, fs, hardlink, timeout: None),
        ("SCHEMA", lambda used: used | {"version": 2}),
        ("SCHEMA", None),
    ],
)
def test_a_dvc_that_edits_the_list_in_another_way_is_left_as_it_is(monkeypatch, name, value):
    assert files_in_use.is_supported()
    if value is None:
        monkeypatch.delattr(rwlock, name)
    else:
        monkeypatch.setattr(rwlock, name, value)
    before = getattr(rwlock, "_edit_rwlock", None)
    assert not files_in_use.is_supported()
    files_in_use.keep_whole()
    assert getattr(rwlock, "_edit_rwlock", None) is before


@contextmanager
def locked_list(folder: Path) -> Iterator[lock.Lock]:
    """Lock the list of a project, as another process does."""
    (folder / ".dvc/tmp").mkdir(exist_ok=True)
    guard = lock.Lock(str(folder / ".dvc/tmp/rwlock.lock"))
    guard.lock()
    try:
        yield guard
    finally:
        if guard.is_locked:
            guard.unlock()


def test_the_list_is_free_after_a_restoration_also_if_it_fails(monkeypatch, tmp_path):
    def fail(_folder) -> None:
        raise OSError(errno.EIO, "Input/output error")

    # A lock of this kind is a file, which does not end with the object.
    repo = SimpleNamespace(tmp_dir=str(tmp_path), config={"core": {"hardlink_lock": True}})
    monkeypatch.setattr(lock, "DEFAULT_TIMEOUT", 0.1)
    monkeypatch.setattr(files_in_use, "WAIT_S", 0)
    with monkeypatch.context() as patch:
        patch.setattr(file_entries, "of_running", fail)
        with pytest.raises(OSError, match="Input/output error"):
            files_in_use.restore(repo)
    for _ in range(2):
        files_in_use.restore(repo)


@pytest.mark.slow
def test_a_locked_list_is_waited_for_and_then_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(lock, "DEFAULT_TIMEOUT", 0.1)  # DVC gives up after it, in seconds
    folder = toy.make(tmp_path)
    with locked_list(folder) as guard:
        later = threading.Timer(0.5, guard.unlock)
        later.start()
        with stage_files.locked_repo(folder, StageProcesses()):
            assert not guard.is_locked
        later.join()
        guard.lock()
        monkeypatch.setattr(files_in_use, "WAIT_S", 0)
        for command in (graph.read, lambda root: stage_files.locked_repo(root, StageProcesses()).__enter__()):
            with pytest.raises(
                BreathlineError, match=r"locked DVC's list of files in use(.|\n)*rwlock\.lock"
            ) as refused:
                command(folder)
            assert refused.value.where.read_text().split() == [str(os.getpid())]
    assert graph.read(folder)  # DVC's own lock is free


# Cuts the list off while another stage works; a third one follows.
TEARING = """\
stages:
  beside:
    cmd: touch began && while [ ! -e end ]; do sleep 0.1; done && echo > beside.txt
    outs: [beside.txt]
  tearing:
    cmd: while [ ! -e began ]; do sleep 0.1; done && printf '{' > .dvc/tmp/rwlock && echo > tearing.txt
    outs: [tearing.txt]
  last:
    cmd: touch end && cp tearing.txt last.txt
    deps: [tearing.txt]
    outs: [last.txt]
"""


@pytest.mark.long  # three stages, each by a DVC of its own: 3 s
def test_a_list_that_is_cut_off_during_a_run_stops_none_of_its_stages(tmp_path):
    folder = toy.make(tmp_path, TEARING)
    with ThreadPoolExecutor() as pool, StageProcesses() as processes:
        beside = pool.submit(processes.run_stage, "beside", folder, log=print)
        processes.run_stage("tearing", folder, log=print)
        processes.run_stage("last", folder, log=print)
        beside.result()
    assert [stage.name for stage in graph.read(folder) if stage.changes] == []
