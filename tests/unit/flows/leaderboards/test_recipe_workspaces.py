import re
from pathlib import Path

import pytest

from flows.leaderboards.recipe_workspaces import RecipeWorkspace, finished, mark_finished, prepare
from lineage import code
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tests import toy

ROOT = Path(__file__).parents[4]


@pytest.fixture
def project(tmp_path) -> Path:
    folder = toy.checkout(ROOT, tmp_path / "project")
    toy.call(folder, "git", "add", ".")
    return folder


def make(project: Path, name: str = "mn_kd", **kwargs) -> Path:
    given = {"seeds": [], "corpus": [], "external": [], "paper": False, "cache": project / ".dvc" / "cache", **kwargs}
    workspace = RecipeWorkspace(recipe=name, small=True)
    prepare(project, workspace, **given)
    return project / workspace.folder


@pytest.mark.slow  # clones the project: 2 s
def test_a_workspace_has_the_recipe_the_seeds_and_the_users_recordings(project):
    before = (project / "params.yaml").read_text()
    (project / "part.zip").write_bytes(b"")
    given = before.replace("    source: publisher\n", "    source: archive\n    path: part.zip\n")
    (project / "params.yaml").write_text(given)
    workspace = make(project, seeds=[7, 8], paper=True)
    found = params.read(workspace / "params.yaml")
    assert workspace == project / ".leaderboard" / "mn_kd--small"
    assert (found["student"]["seeds"], found["selections"]) == ([7, 8], ["val", "paper"])
    assert found["corpora"]["demo"]["path"] == str(project / "part.zip")
    assert set(found["teachers"]) == {"mn04_s11", "mn04_s12", "mn04_s13"}
    assert (project / "params.yaml").read_text() == given
    assert toy.call(workspace, "dvc", "cache", "dir").strip() == str(project / ".dvc" / "cache")
    assert "train_teacher@mn04_s11" in toy.call(workspace, "dvc", "stage", "list", "--name-only")


@pytest.mark.slow
def test_the_code_follows_the_working_tree_and_stale_items_are_removed(project):
    workspace = make(project)
    (project / "models" / "new.py").write_text("x = 1\n")
    (project / "models" / "metrics.py").write_text("changed = True\n")
    (project / "tasks" / "subsets" / "folds.py").unlink()
    (workspace / "data" / "teachers" / "old").mkdir()
    make(project)
    assert (workspace / "models" / "new.py").read_text() == "x = 1\n"
    assert (workspace / "models" / "metrics.py").read_text() == "changed = True\n"
    assert not (workspace / "tasks" / "subsets" / "folds.py").exists()
    assert not (workspace / "data" / "teachers" / "old").exists()


@pytest.mark.slow
def test_records_of_a_workspace_name_the_projects_commit_and_what_differs_from_it(project):
    workspace = make(project)
    assert code.git_state(workspace)["commit"] is None
    toy.call(project, "git", "commit", "--quiet", "-m", "start")
    (project / "models" / "metrics.py").write_text("changed = True\n")
    found = code.git_state(make(project))
    assert found["commit"] == toy.call(project, "git", "rev-parse", "HEAD").strip()
    assert re.findall("^diff --git a/(.+) b/", found["diff"], re.MULTILINE) == ["models/metrics.py", "params.yaml"]
    assert found["untracked"] == {}
    # The project is in its own state, whatever its workspaces hold.
    assert "params.yaml" not in code.git_state(project)["diff"]
    # A folder that Git ignores, and of which nobody knows what it is, is outside of it.
    (workspace / ".lineage" / "origin.json").unlink()
    assert code.git_state(workspace) is None


@pytest.mark.slow
def test_a_workspace_is_finished_until_it_is_prepared_again(project):
    one, other = RecipeWorkspace(recipe="mn_kd", small=True), RecipeWorkspace(recipe="ast_ce")
    make(project)
    assert finished(project, []) == []
    mark_finished(project, [one], {})
    assert finished(project, []) == [one]
    assert finished(project, [other, one]) == [one]
    make(project)
    assert finished(project, [one]) == []


@pytest.mark.slow
def test_outside_of_git_the_project_is_refused(project, monkeypatch):
    (project / ".git").rename(project / "gone")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    with pytest.raises(BreathlineError, match="`git ls-files` failed"):
        make(project)
