"""Worktree with the environment of another clone: that clone's code planned, and the worktree's stages ran."""

import shutil
import sys

import pytest

from flows import code_tree
from flows.processes.run_lock import exclusive_run
from tasks.runtime.errors import BreathlineError
from tests import toy

PACKAGES = ("breathline", "cli", "flows", "lineage", "tasks", "models")


@pytest.fixture(scope="module")
def worktree(tmp_path_factory):
    """Return a toy project with Breathline's code, in which the plan has another last line."""
    folder = toy.make(tmp_path_factory.mktemp("other") / "worktree")
    for name in PACKAGES:
        shutil.copytree(toy.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    plan = folder / "cli" / "plan.py"
    plan.write_text(plan.read_text().replace("stages run.", "stages run in the worktree."))
    return folder


@pytest.mark.slow
def test_the_command_runs_the_code_of_the_project_in_which_one_works(worktree, tmp_path):
    script = tmp_path / "bin" / "breathline"  # as pip writes it into the environment of the first clone
    script.parent.mkdir()
    script.write_text(f"import sys; sys.path[0] = {str(toy.ROOT)!r}\nfrom cli.main import app\nsys.exit(app())\n")
    assert "4 of 4 stages run in the worktree." in toy.call(worktree, sys.executable, str(script), "plan")
    shutil.copytree(worktree, tmp_path / "first", ignore=shutil.ignore_patterns(*PACKAGES))
    assert "4 of 4 stages run." in toy.call(tmp_path / "first", sys.executable, str(script), "plan")


def test_a_flow_with_other_code_than_the_project_does_not_start(worktree):
    with pytest.raises(BreathlineError) as refused, exclusive_run(worktree):
        pass
    assert f"runs Breathline of {toy.ROOT}" in refused.value.what
    assert refused.value.where == "cli/plan.py"
    assert f"cd {worktree}" in refused.value.hint


def test_equal_code_in_another_folder_is_the_same_code(tmp_path):
    for name in PACKAGES:
        shutil.copytree(toy.ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert code_tree.is_other_tree(tmp_path)
    code_tree.check(tmp_path)
    assert not code_tree.is_other_tree(toy.ROOT)
