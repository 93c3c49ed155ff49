"""`dvc exp run --temp`: the log of the removed folder was lost, and the applied experiment looked like tampering."""

import shutil

import pytest

from lineage import code, events, record, recorder, test_use
from lineage.verify import verification
from tests import toy


@pytest.fixture
def project(small_run, tmp_path, monkeypatch):
    root = shutil.copytree(small_run, tmp_path / "project", symlinks=True)
    # This process has imported the modules of the tests, not those of the project.
    monkeypatch.setattr(code, "imported_modules", lambda _: record.read(root, "evaluate")["modules"])
    return root


def experiment(project, monkeypatch, *, fails=False):
    """Run `evaluate` with other parameters in a folder like that of a temporary experiment; return the folder."""
    folder = project / ".dvc/tmp/exps/standalone/tmpx1"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".lineage", ".dvc"), symlinks=True)
    values = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(values.replace("resamples: 50", "resamples: 60"))
    monkeypatch.setenv("DVC_EXP_NAME", "quick-name")
    try:
        with recorder.recorded(folder, "evaluate", record.read(project, "evaluate")["decisions"]):
            assert not fails, "no memory"
    except AssertionError:
        pass
    assert not (folder / ".lineage").exists()
    return folder


def apply(project, folder):
    """Do what `dvc exp apply` does: take parameters and outs of the experiment over, and remove its folder."""
    for path in ("params.yaml", record.path_of("evaluate")):
        shutil.copy2(folder / path, project / path)
    shutil.rmtree(folder)
    toy.call(project, "dvc", "commit", "--quiet", "--force", "evaluate")


@pytest.mark.slow
def test_an_applied_experiment_is_no_tampering(project, monkeypatch):
    apply(project, experiment(project, monkeypatch))
    start, end = events.read(project)[-2:]
    assert [entry["experiment"] for entry in (start, end)] == ["quick-name"] * 2
    report = verification.verify(project)
    assert (report.errors, {one.kind for one in report.notes}) == ([], {"git-dirty", "git-dirty-run"})
    # Later runs in the project are told as before.
    with recorder.recorded(project, "evaluate", record.read(project, "evaluate")["decisions"]):
        pass
    assert test_use.count(project, test_use.of_record(record.read(project, "evaluate")))["evaluations"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
def test_an_experiment_that_is_not_applied_says_nothing_about_the_project(project, monkeypatch, fails):
    shutil.rmtree(experiment(project, monkeypatch, fails=fails))
    assert events.read(project)[-1]["status"] == ("failed" if fails else "done")
    # Unlike DVC, the experiment above has not put its record into the cache.
    assert {one.kind for one in verification.verify(project).findings} <= {"runs-unknown"}
