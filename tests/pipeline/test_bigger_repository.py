"""The whole graph in a folder of a larger Git repository: run, audit, versions, backfill, leaderboard."""

import json
import shutil

import pytest

from tests import toy
from tests.pipeline import runs
from tests.pipeline.commands import breathline, succeed

# A run of the graph, two in workspaces, and that of a recipe.
pytestmark = [pytest.mark.long, pytest.mark.timeout(1200), pytest.mark.usefixtures("server")]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return the project in `lab/sounds` of a repository, small and committed; nothing has run."""
    top = tmp_path_factory.mktemp("bigger")
    folder = toy.checkout(runs.ROOT, top / "lab" / "sounds")
    shutil.rmtree(folder / ".git")
    (top / "params.yaml").write_text("other: project\n")
    toy.call(top, "git", "init", "--quiet")
    runs.edit(folder, runs.small)
    runs.commit(top, "the code")
    return folder


def test_run_audit_versions_and_workspaces(project, server):
    def call(*arguments: str) -> str:
        return succeed(breathline(project, server, *arguments), timeout_s=900)

    call("run", "--jobs", "2")
    runs.commit(project, "the run")
    assert "All stages are up to date." in call("plan")
    verified = json.loads(call("audit", "verify", "--json"))
    assert [found for found in verified["findings"] if found["severity"] == "error"] == []
    assert "commit" in call("audit", "trace", "data/student/1")
    assert "Figures: the same" in call("audit", "diff", "HEAD", ".")

    call("registry", "promote", "--allow", "demo", "--allow", "degenerate")
    assert toy.call(project, "git", "tag").split() == ["lab/sounds=student#production#1", "lab/sounds=student@v1.0.0"]
    assert "student@v1.0.0" in call("audit", "trace", "student@v1.0.0")
    recording = min((project / runs.AUDIO).glob("*.wav"))
    assert "student@v1.0.0" in call("predict", str(recording), "--model", "student#production")

    call("backfill", "--revision", "HEAD", "--param", "evaluation.resamples=50,60")
    tables = json.loads((project / "reports/backfill.json").read_text())
    assert [len(table["variants"]) for table in tables] == [2, 2], "on the training corpus, and on the external one"
    records = [json.loads(path.read_text()) for path in project.glob(".backfill/*/data/lineage/evaluate.json")]
    assert [record["git"]["commit"] for record in records] == 2 * [
        toy.call(project, "git", "rev-parse", "HEAD").strip()
    ]
    call("leaderboard", "mn_plain", "--small")
    assert "mn_plain" in call("leaderboard", "--collect")
    assert toy.call(project, "git", "status", "--porcelain", "--", "params.yaml", "dvc.lock") == ""
