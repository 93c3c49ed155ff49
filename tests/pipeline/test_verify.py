"""`breathline audit verify`: no false alarm, what is downstream, and what only computing anew can find."""

import json
import shutil

import pytest

from lineage import events
from lineage.verify import verification
from lineage.verify.findings import Report, Sample
from tests import toy
from tests.pipeline import runs
from tests.pipeline import tampering as do

# Two tests train the student anew, the others verify in a second or two.
pytestmark = pytest.mark.slow

RECORDS = "data/lineage"
ALL = [
    "extract@icbhi",
    "fbank@icbhi-ast",
    "pool",
    "train_teacher@t1",
    "soft_labels",
    "train_student@1",
    "evaluate",
    "explain",
    "export",
    "report",
]  # after `download@icbhi`


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.errors}


def test_a_package_put_in_front_of_the_installed_one_is_found_unless_the_run_is_from_elsewhere(project):
    environment = do.package(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(environment)
        here, elsewhere = verification.verify(project), verification.verify(project, elsewhere=True)
    assert [(one.kind, one.where) for one in here.errors] == [("environment-changed", "installed packages")]
    assert here.errors[0].what.endswith("→ 9.9.9")
    assert here.errors[0].what.startswith("numpy ")
    assert "environment-changed" in {one.kind for one in elsewhere.notes}
    assert elsewhere.errors == []


def test_the_command_names_what_is_downstream_and_ends_with_status_1(project):
    do.swap_teacher(project)
    told = json.loads(toy.call(project, "breathline", "audit", "verify", "--json", status=1))
    swapped = next(one for one in told["findings"] if one["kind"] == "out-swapped")
    assert not told["verified"]
    assert swapped["stages"] == ["train_teacher@t1"]
    assert swapped["downstream"] == ["soft_labels", "train_student@1", "evaluate", "explain", "export", "report"]


def test_a_change_of_the_recordings_reaches_everything_that_was_learned(project):
    do.flip(do.first(project))
    (changed,) = [one for one in verification.verify(project).errors if one.kind == "out-changed"]
    assert set(changed.downstream) >= set(ALL)
    assert "weights@scratch" not in changed.downstream


def test_a_change_of_any_file_of_an_export_is_found(project):
    files = sorted(path.relative_to(project).as_posix() for path in (project / "data/export").rglob("*.*"))
    assert {path.rpartition("/")[2] for path in files} >= {"model.json", "model.safetensors", "use.py", "config.json"}
    for path in files:
        do.flip(project / path, place=-1)
    found = {one.where: one for one in verification.verify(project).errors if one.kind == "out-changed"}
    assert sorted(found) == files
    assert {one.stages for one in found.values()} == {("export",)}


def test_an_untouched_run_is_verified_without_a_word(finished_run):
    assert "Verified" in toy.call(finished_run, "breathline", "audit", "verify")
    assert verification.verify(finished_run).findings == []


def test_an_untouched_run_is_verified_in_depth(finished_run):
    report = verification.verify(finished_run, deep=Sample(sample=6, seed=1))
    assert {one.kind for one in report.findings} == {"computed-anew"}
    each = {f"cycles of {name}" for name in ("icbhi", "other")}
    each |= {f"{stage}-{name}" for stage in ("fbank@icbhi", "fbank_external@other") for name in ("ast", "efficientat")}
    models = {"soft labels", "predictions", "predictions on other", "metrics"}
    models |= {"train_teacher@t1", "train_teacher@t2", "train_student@1"}
    assert {one.where for one in report.notes} == each | models


@pytest.mark.long
def test_another_run_with_other_parameters_and_its_return_are_no_tampering(project):
    runs.edit(project, lambda read: read["student"]["optimizer"].update(lr=0.001))
    runs.repro(project)
    report = verification.verify(project)
    assert report.errors == []
    assert {one.kind for one in report.notes} == {"git-dirty", "git-dirty-run"}

    toy.call(project, "git", "checkout", "--quiet", ".")
    toy.call(project, "dvc", "checkout", "--quiet")
    report = verification.verify(project)
    assert report.errors == []
    earlier = {one.where for one in report.notes if one.kind == "record-earlier"}
    assert earlier == {
        f"{RECORDS}/{stage}.json" for stage in ("train_student@1", "evaluate", "explain", "export", "report")
    }


@pytest.mark.parametrize("depth", [pytest.param("whole", marks=pytest.mark.long), "shallow"])
def test_a_clone_is_verified_and_told_to_be_one(finished_run, tmp_path, depth):
    clone = tmp_path / "clone"
    options = ["--depth", "1"] if depth == "shallow" else []
    toy.call(tmp_path, "git", "clone", "--quiet", *options, f"file://{finished_run}", str(clone))
    for key, value in (("cache.dir", str(finished_run / ".dvc/cache")), ("cache.type", "symlink")):
        toy.call(clone, "dvc", "config", "--local", key, value)
    toy.call(clone, "dvc", "checkout", "--quiet")
    assert {one.kind for one in verification.verify(clone).errors} == {"log-missing"}
    report = verification.verify(clone, elsewhere=True)
    assert report.errors == []
    expected = {"log-missing"} | ({"git-shallow", "git-commit-missing"} if options else set())
    assert {one.kind for one in report.notes} == expected
    if not options:
        # From its first run on it has a log of its own; the others' runs are still those that Git vouches for.
        toy.call(clone, "dvc", "repro", "--force", "--single-item", "soft_labels")
        assert {one.kind for one in verification.verify(clone).errors} == {"record-changed"}
        report = verification.verify(clone, elsewhere=True)
        assert report.errors == []
        elsewhere = [one.where for one in report.notes if one.kind == "record-elsewhere"]
        assert f"{RECORDS}/soft_labels.json" not in elsewhere
        assert len(elsewhere) == len(list((clone / RECORDS).iterdir())) - 1


def test_without_git_the_rest_is_verified(project):
    shutil.rmtree(project / ".git")
    report = verification.verify(project)
    assert report.errors == []
    assert [(one.kind, one.where) for one in report.notes] == [("git-absent", ".")]


def test_a_killed_stage_is_told_and_no_tampering(project):
    events.append(project, {"event": "start", "stage": "evaluate", "at": events.now()})
    report = verification.verify(project)
    assert report.errors == []
    assert [one.kind for one in report.notes] == ["run-unfinished"]


WAVEFORMS = "data/waveforms/icbhi/16000.parquet"
# fmt: off
FORGED = {
    "a waveform": (WAVEFORMS, lambda p: do.value(p / WAVEFORMS, "samples", 0, lambda old: [1.1 * x for x in old]),
        "waveform-contradicts"),
    "rows of features": (do.FEATURES, do.features, "feature-contradicts"),
    "a soft label": (do.SOFT_LABELS, lambda p: do.value(p / do.SOFT_LABELS, "soft_labels", 3, lambda x: [x[0][::-1]]),
        "soft-label-contradicts"),
    "a prediction": (do.PREDICTIONS, lambda p: do.value(p / do.PREDICTIONS, "p_normal", 7, lambda x: x + 5e-3),
        "prediction-contradicts"),
}
# fmt: on
OTHERS = [pytest.param(case, marks=pytest.mark.long) for case in FORGED if case != "rows of features"]


@pytest.mark.parametrize("case", ["rows of features", *OTHERS])
def test_what_was_made_to_fit_every_witness_is_found_by_computing_it_anew(project, case):
    path, change, kind = FORGED[case]
    do.forge(project, path, change)
    assert kind in kinds(verification.verify(project, deep=Sample(sample=10_000, seed=0)))


@pytest.mark.long
def test_a_metric_that_was_made_to_fit_every_witness_contradicts_the_predictions(project):
    path = "reports/metrics.json"
    do.forge(project, path, lambda p: do.document(p / path, lambda m: m["student"]["val"]["sp"].update(mean=100.5)))
    assert kinds(verification.verify(project)) == {"metric-contradicts", "run-repeated"}
