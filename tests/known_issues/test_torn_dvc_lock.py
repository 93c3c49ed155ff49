"""A dvc.lock that a kill or a full disk has cut off."""

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
