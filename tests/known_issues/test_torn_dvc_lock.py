"""Files of DVC that a kill or a full disk has cut off: dvc.lock, and the list of files in use."""

import json

import pytest

from flows import graph
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
