"""The nearest recipe of a project."""

import json
import shutil
from pathlib import Path

import pytest

from flows import report_provenance
from flows.recipes import nearest, writing
from tasks.runtime import params
from tests import toy


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(toy.ROOT / name, tmp_path)
    shutil.copytree(toy.ROOT / "recipes", tmp_path / "recipes")
    return tmp_path


@pytest.mark.slow
def test_a_used_recipe_is_its_own_nearest_one(root):
    for name, small in (("mn_weighted", False), ("mn_sam", True)):
        writing.write(root, writing.edit(root, name, small=small))
        found = nearest.find(root, params.read(root / "params.yaml"))
        assert (found.name, found.small, found.changes) == (name, small, {})


@pytest.mark.slow
def test_changed_settings_are_listed_with_both_values(root):
    writing.write(root, writing.edit(root, "mn_weighted"))
    read = params.read(root / "params.yaml")
    size = read["student"]["batch_size"]
    read["student"]["batch_size"] = size + 1
    found = nearest.find(root, read)
    assert (found.name, found.changes) == ("mn_weighted", {"student.batch_size": (size, size + 1)})


@pytest.mark.parametrize(("changed", "untracked"), [([], []), (["a.py"], []), ([], ["new.py"]), (["a.py"], ["new.py"])])
def test_the_commands_apply_a_diff_if_there_is_one_and_name_untracked_files(changed, untracked):
    """Git refuses an empty diff, so that the printed commands would stop."""
    origin = {"commit": "c" * 40, "dirty": bool(changed or untracked), "changed_files": changed, "untracked": untracked}
    commands = report_provenance.commands(origin)
    assert ("git apply run.diff" in commands) == (commands[0].startswith("python -c")) == bool(changed)
    back, *notes = [line for line in commands if line[0] == "#"]
    assert "`git stash pop` brings back" in back
    assert commands.index(back) == commands.index("git stash") - 1
    assert [line.endswith(": new.py") for line in notes] == [True] * len(untracked)
    assert commands[-1] == "dvc repro"


@pytest.mark.parametrize("dirty", [False, True])
def test_the_commands_restore_the_files_of_the_run_from_later_ones(tmp_path, dirty):
    """The project of a report has uncommitted changes, at least in dvc.lock, when somebody runs its commands."""
    settings, evaluated = tmp_path / "params.yaml", tmp_path / "data/lineage/evaluate.json"
    settings.write_text("seed: 1\n")
    toy.call(tmp_path, "git", "init", "--quiet")
    toy.call(tmp_path, "git", "add", "params.yaml")
    toy.call(tmp_path, "git", "commit", "--quiet", "--message", "run")
    commit = toy.call(tmp_path, "git", "rev-parse", "HEAD").strip()
    settings.write_text(own := f"seed: {1 + dirty}\n")
    evaluated.parent.mkdir(parents=True)
    evaluated.write_text(json.dumps({"git": {"diff": toy.call(tmp_path, "git", "diff")}}))
    origin = {"commit": commit, "dirty": dirty, "changed_files": ["params.yaml"] * dirty, "untracked": []}
    *commands, repro = report_provenance.commands(origin)
    for now in (own, "seed: 3\n"):
        settings.write_text(now)
        toy.call(tmp_path, "bash", "-e", "-c", "\n".join(commands))
        assert (settings.read_text(), repro) == (own, "dvc repro")


def test_a_damaged_recipe_leaves_the_recipe_out_and_stops_nothing(root):
    (root / "recipes/mn_sam.yaml").write_text("description: [")
    found = report_provenance.read(root)
    assert (found["recipe"], found["commands"]) == (None, [])
