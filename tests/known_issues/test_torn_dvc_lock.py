"""Files of DVC that a kill or a full disk has cut off: dvc.lock, and the list of files in use."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows import graph
from flows.processes import files_in_use
from flows.processes.stage_process import StageProcesses
from tasks.runtime.errors import BreathlineError
from tests import toy


@pytest.mark.parametrize("left", ["", "schema: '2.0'\nstages:\n  first:\n    cmd: [cp"])
def test_a_cut_dvc_lock_is_told_with_the_way_to_restore_it(tmp_path, left):
    folder = toy.make(tmp_path)
    (folder / "dvc.lock").write_text(left)
    with pytest.raises(BreathlineError, match=r"dvc\.lock(.|\n)*next:  restore it by `git checkout dvc\.lock`"):
        graph.read(folder)


@pytest.mark.parametrize("left", ["", '{"read": {"/project/tasks/fbank.py": [{"pid": 7616, ', "\0\0\0"])
def test_a_cut_list_of_files_in_use_stops_no_run(tmp_path, left):
    folder = toy.make(tmp_path)
    path = folder / ".dvc/tmp/rwlock"
    path.parent.mkdir(exist_ok=True)
    path.write_text(left)
    expected = [stage.name for stage in graph.read(folder)]
    toy.call(folder, "dvc", "repro", "--quiet")
    assert [stage.name for stage in graph.read(folder) if not stage.changes] == expected


def test_the_list_of_files_that_a_process_uses_stays(tmp_path):
    folder = toy.make(tmp_path)
    path = folder / ".dvc/tmp/rwlock"
    path.parent.mkdir(exist_ok=True)
    used = json.dumps({"read": {str(folder / "x"): [{"pid": 1, "cmd": "dvc repro"}]}})
    path.write_text(used)
    graph.read(folder)
    assert path.read_text() == used


@pytest.fixture
def whole(monkeypatch) -> None:
    """Let the DVC of this process, and of its forks, keep the list whole."""
    from dvc import rwlock

    monkeypatch.setattr(rwlock, "_edit_rwlock", rwlock._edit_rwlock)
    files_in_use.keep_whole()


@contextmanager
def using(folder: Path, *written: str, read: Sequence[str] = ()) -> Iterator[None]:
    """Use files as DVC does while it runs a stage."""
    from dvc.fs import localfs
    from dvc.rwlock import rwlock

    with rwlock(str(folder), localfs, "dvc repro", list(read), list(written), False):
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


@pytest.mark.parametrize("left", [None, "", '{"write": {"/project/o', "\0\0\0"])
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
    from dvc.lock import LockError

    used = {"write": {"/project/out": {"pid": os.getppid(), "cmd": "dvc repro"}}, "read": {}}
    (tmp_path / "rwlock").write_text(json.dumps(used))
    with pytest.raises(LockError, match="is busy"), using(tmp_path, "/project/out"):
        pass
    assert json.loads((tmp_path / "rwlock").read_text()) == used


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
