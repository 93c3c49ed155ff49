"""`breathline audit verify`: what was done to a finished run is found by name, and nothing else is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lineage import events
from lineage.verify import verification
from lineage.verify.findings import Depth, Report
from tests import toy
from tests.pipeline import runs
from tests.pipeline import tampering as do

# The run takes about a minute on two cores; each case is a copy of it, changed, and verified in a second or two.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RECORDS = "data/lineage"
ALL = ["extract", "fbank@ast", "train_teacher@t1", "soft_labels", "train_student@1", "evaluate"]  # after `download`


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    """Return the finished run; no test changes it."""
    return runs.finished(tmp_path_factory.mktemp("run") / "project")


@pytest.fixture
def project(run, tmp_path) -> Iterator[Path]:
    """Yield a copy of the run to be tampered with."""
    yield runs.copy(run, tmp_path / "project")
    shutil.rmtree(tmp_path / "project")


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.errors}


# What was done, the names of what is found (the first is looked at), where, and words of what is told.
FILES = {
    "one bit in a recording": (
        lambda p: do.flip(do.first(p)),
        {"out-changed", "recording-contradicts"},
        ".wav",
        "1 frames",
    ),
    "a flag in an annotation": (
        lambda p: do.text(do.first(p, ".txt"), "0\t0", "1\t0"),
        {"out-changed", "recording-contradicts"},
        ".txt",
        "0 0 → ",
    ),
    "an annotation removed": (lambda p: do.first(p, ".txt").unlink(), {"out-missing"}, ".txt", "not there"),
    "a label in the table of cycles": (
        lambda p: do.value(p / do.CYCLES, "lungsound_4", 0, lambda label: (label + 1) % 4),
        {"out-changed"},
        do.CYCLES,
        "lungsound_4 of 101_",
    ),
    "two rows of features exchanged": (do.features, {"out-changed"}, do.FEATURES, "row 2 (101_"),
    "a table written anew": (
        lambda p: pq.write_table(pq.read_table(p / do.SOFT_LABELS), p / do.SOFT_LABELS, compression="gzip"),
        {"out-rewritten"},
        do.SOFT_LABELS,
        "its content is the same",
    ),
    "one weight of a student": (do.weight, {"out-changed"}, "data/student/1/val.safetensors", "tensor "),
    "a soft label": (
        lambda p: do.value(p / do.SOFT_LABELS, "soft_labels", 3, lambda labels: [labels[0][::-1]]),
        {"out-changed"},
        do.SOFT_LABELS,
        "soft_labels of ",
    ),
    "a metric": (
        lambda p: do.document(
            p / "reports/metrics.json", lambda m: m["student"]["val"]["score_strict"].update(mean=61.5)
        ),
        {"out-changed", "metric-contradicts"},
        "reports/metrics.json",
        "student.val.score_strict.mean",
    ),
    "a Score": (
        lambda p: do.document(p / "reports/scores.json", lambda scores: scores["val"]["student"].update(sp=99.0)),
        {"out-changed", "metric-contradicts"},
        "reports/scores.json",
        "→ 99.0",
    ),
    "a prediction": (
        lambda p: do.value(p / do.PREDICTIONS, "predicted", 7, lambda label: (label + 1) % 4),
        {"out-changed", "prediction-contradicts", "metric-contradicts"},
        do.PREDICTIONS,
        "predicted of ensemble val",
    ),
    "an out missing": (lambda p: (p / do.SOFT_LABELS).unlink(), {"out-missing"}, do.SOFT_LABELS, "not there"),
    "a model missing": (lambda p: shutil.rmtree(p / "data/student/1"), {"out-missing"}, "data/student/1", "not there"),
    "a file added to an out": (
        lambda p: (p / "data/teachers/t1/paper.safetensors").write_bytes(b"other"),
        {"out-added"},
        "data/teachers/t1/paper.safetensors",
        "no stage made it",
    ),
    "a teacher that no stage made": (
        lambda p: shutil.copytree(p / "data/teachers/t1", p / "data/teachers/t9"),
        {"input-added"},
        "data/teachers/t9/",
        "reads as a whole",
    ),
    "a teacher swapped for another": (
        do.swap_teacher,
        {"out-swapped", "model-swapped"},
        "data/teachers/t1/",
        "train_teacher@t2 made",
    ),
    "a patient moved to test in the official list": (
        do.move_patient,
        {"out-changed", "metadata-contradicts", "split-contradicts"},
        "ICBHI_challenge_train_test.txt",
        "train → 101",
    ),
    "a patient's cycles moved to test": (
        do.move_cycles,
        {"out-changed", "split-contradicts", "prediction-contradicts", "soft-label-contradicts"},
        do.CYCLES,
        "split of 101_",
    ),
}


WITNESSES = {
    "dvc.lock: an MD5": (
        lambda p: do.parameters(
            p, lambda lock: lock["stages"]["fbank@ast"]["outs"][0].update(md5="0" * 32 + ".dir"), "dvc.lock"
        ),
        {"lock-changed"},
        "dvc.lock",
        "of data/fbank/ast in fbank@ast is 000",
    ),
    "dvc.lock: a parameter": (
        lambda p: do.parameters(
            p,
            lambda lock: lock["stages"]["evaluate"]["params"]["params.yaml"]["evaluation"].update(seed=1),
            "dvc.lock",
        ),
        {"lock-changed"},
        "dvc.lock",
        "`evaluation` of evaluate",
    ),
    "dvc.lock cut off": (
        lambda p: (p / "dvc.lock").write_text((p / "dvc.lock").read_text()[:5000] + "  '"),
        {"lock-unreadable"},
        "dvc.lock",
        "cannot be read",
    ),
    "dvc.lock removed": (lambda p: (p / "dvc.lock").unlink(), {"lock-missing"}, "dvc.lock", "not there"),
    "dvc.lock brought in line": (
        lambda p: (do.weight(p), do.restore(p, "train_student@1")),
        {"out-changed", "lock-committed"},
        "data/student/1",
        "dvc.lock vouches for a version",
    ),
    "a record": (
        lambda p: do.document(
            p / RECORDS / "train_student@1.json", lambda record: record["seeds"].update({"student.seed": 2})
        ),
        {"record-changed"},
        "train_student@1.json",
        "dvc.lock does not name it either",
    ),
    "a record that dvc.lock was made to name": (
        lambda p: (
            do.document(p / RECORDS / "extract.json", lambda record: record["account"]["cycles"].update({"in": 1})),
            do.restore(p, "extract"),
        ),
        {"record-changed"},
        "extract.json",
        "dvc.lock names it",
    ),
    "a record removed": (
        lambda p: (p / RECORDS / "soft_labels.json").unlink(),
        {"record-missing"},
        "soft_labels",
        "has run",
    ),
    "all records removed": (lambda p: shutil.rmtree(p / RECORDS), {"record-missing"}, "evaluate.json", "has run"),
    "a record cut off": (
        lambda p: (p / RECORDS / "evaluate.json").write_text("{"),
        {"record-unreadable"},
        "evaluate.json",
        "cannot be read",
    ),
    "an event changed": (
        lambda p: do.log(p, lambda rows: [rows[0].replace('"user":"', '"user":"not '), *rows[1:]]),
        {"log-broken"},
        "entry 1",
        "was changed",
    ),
    "an event removed": (
        lambda p: do.log(p, lambda rows: [*rows[:4], *rows[5:]]),
        {"log-broken"},
        "entry 6",
        "missing",
    ),
    "events in another order": (
        lambda p: do.log(p, lambda rows: [*rows[:4], rows[5], rows[4], *rows[6:]]),
        {"log-broken"},
        "entry ",
        "moved",
    ),
    "the log's end cut off": (
        lambda p: do.log(p, lambda rows: rows[:-2]),
        {"log-broken", "record-changed"},
        "entry ",
        "its end was cut off",
    ),
    "the log written anew, its chain whole": (
        lambda p: do.rewrite_log(p, lambda entry: entry | ({"record": "0" * 64} if entry["number"] == 4 else {})),
        {"record-changed"},
        "extract.json",
        "dvc.lock names it",
    ),
    "the log removed, dvc.lock not committed": (
        lambda p: (shutil.rmtree(p / ".lineage"), toy.call(p, "git", "rm", "--quiet", "--cached", "dvc.lock")),
        {"log-missing"},
        "events.jsonl",
        "no event log",
    ),
    "an object of the cache": (do.damage_cache, {"cache-changed"}, "", "data/teachers/t1/val.safetensors"),
    "params.yaml after the run": (
        lambda p: do.parameters(p, lambda read: read["student"]["optimizer"].update(lr=0.5)),
        {"params-changed"},
        "student.optimizer.lr",
        "→ 0.5",
    ),
    "a command in dvc.yaml": (
        lambda p: do.text(p / "dvc.yaml", "python -m tasks.soft_labels", "python -O -m tasks.soft_labels"),
        {"graph-changed"},
        "soft_labels",
        "python -O",
    ),
    "an uncommitted edit of a module": (
        lambda p: do.text(p / "tasks/soft_targets.py", "axis=0", "axis=-3"),
        {"module-changed"},
        "tasks/soft_targets.py",
        "an uncommitted edit",
    ),
    "a committed edit of a module": (
        lambda p: (do.text(p / "tasks/soft_targets.py", "axis=0", "axis=-3"), runs.commit(p, "an edit")),
        {"module-changed"},
        "tasks/soft_targets.py",
        "it was changed",
    ),
    "a module removed": (
        lambda p: (p / "tasks/splits.py").unlink(),
        {"module-missing"},
        "tasks/splits.py",
        "not there",
    ),
    "a module added": (
        lambda p: (p / "models/networks/other.py").write_text('"""Another."""\n'),
        {"module-added"},
        "models/networks/other.py",
        "ran without it",
    ),
    "requirements.lock": (
        lambda p: do.text(p / "requirements.lock", "numpy==", "numpy==9"),
        {"environment-changed"},
        "requirements.lock",
        "SHA-256",
    ),
    "a history without the run's commits": (do.rewrite_history, {"git-commit-missing"}, "commit ", "does not know"),
    "a run past DVC with other parameters, then put back": (
        do.rerun_otherwise,
        {"params-changed", "record-changed", "input-mismatch", "lock-changed"},
        "student.optimizer.lr",
        "0.1 → ",
    ),
    "a run again under the same name": (
        lambda p: do.rerun(p, unsteady=True),
        {"run-repeated", "record-changed", "input-mismatch", "lock-changed"},
        "train_student@1",
        "equal inputs gave different outs on the same hardware",
    ),
}


def check(project: Path, case: tuple) -> Report:
    """Do it, and hold what is found against what should be."""
    tamper, expected, where, words = case
    tamper(project)
    report = verification.verify(project)
    told = [one for one in report.errors if one.kind in expected and where in one.where and words in one.what]
    assert (kinds(report), bool(told)) == (expected, True), [(one.kind, one.where, one.what) for one in report.findings]
    return report


@pytest.mark.parametrize("case", FILES)
def test_a_change_of_a_file_is_found_by_name(project, case):
    check(project, FILES[case])


@pytest.mark.parametrize("case", WITNESSES)
def test_a_change_of_what_bears_witness_is_found_by_name(project, case):
    check(project, WITNESSES[case])


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
    told = json.loads(toy.call(project, "breathline", "audit", "verify", "--json", ok=False))
    swapped = next(one for one in told["findings"] if one["kind"] == "out-swapped")
    assert not told["verified"]
    assert swapped["stages"] == ["train_teacher@t1"]
    assert swapped["downstream"] == ["soft_labels", "train_student@1", "evaluate"]


def test_a_change_of_the_recordings_reaches_everything_that_was_learned(project):
    do.flip(do.first(project))
    (changed,) = [one for one in verification.verify(project).errors if one.kind == "out-changed"]
    assert set(changed.downstream) >= set(ALL)
    assert "weights@scratch" not in changed.downstream


def test_an_untouched_run_is_verified_without_a_word(run):
    assert "Verified" in toy.call(run, "breathline", "audit", "verify")
    assert verification.verify(run).findings == []


def test_an_untouched_run_is_verified_in_depth(run):
    report = verification.verify(run, deep=Depth(sample=6, seed=1))
    assert {one.kind for one in report.findings} == {"computed-anew"}
    assert {one.where for one in report.notes} == {"cycles", "fbank@ast", "soft labels", "predictions", "metrics"}


def test_another_run_with_other_parameters_is_no_tampering(project):
    do.parameters(project, lambda read: read["student"]["optimizer"].update(lr=0.001))
    toy.call(project, "dvc", "repro")
    report = verification.verify(project)
    assert report.errors == []
    assert {one.kind for one in report.notes} == {"git-dirty", "git-dirty-run"}


def test_a_run_that_was_brought_back_is_told_and_no_tampering(project):
    do.parameters(project, lambda read: read["student"]["optimizer"].update(lr=0.001))
    toy.call(project, "dvc", "repro")
    toy.call(project, "git", "checkout", "--quiet", ".")
    toy.call(project, "dvc", "checkout", "--quiet")
    report = verification.verify(project)
    assert report.errors == []
    assert {one.where for one in report.notes if one.kind == "record-earlier"} == {
        f"{RECORDS}/train_student@1.json",
        f"{RECORDS}/evaluate.json",
    }


@pytest.mark.parametrize("depth", ["whole", "shallow"])
def test_a_clone_is_verified_and_told_to_be_one(run, tmp_path, depth):
    clone = tmp_path / "clone"
    options = ["--depth", "1"] if depth == "shallow" else []
    toy.call(tmp_path, "git", "clone", "--quiet", *options, f"file://{run}", str(clone))
    for key, value in (("cache.dir", str(run / ".dvc/cache")), ("cache.type", "symlink")):
        toy.call(clone, "dvc", "config", "--local", key, value)
    toy.call(clone, "dvc", "checkout", "--quiet")
    report = verification.verify(clone)
    assert report.errors == []
    expected = {"log-missing"} | ({"git-shallow", "git-commit-missing"} if options else set())
    assert {one.kind for one in report.notes} == expected


def test_without_git_the_rest_is_verified(project):
    shutil.rmtree(project / ".git")
    report = verification.verify(project)
    assert report.errors == []
    assert [(one.kind, one.where) for one in report.notes] == [("git-absent", ".")]


def test_a_killed_stage_is_told_and_no_tampering(project):
    events.append(project, {"event": "start", "stage": "evaluate", "at": "2026-01-01T00:00:00+00:00"})
    report = verification.verify(project)
    assert report.errors == []
    assert [one.kind for one in report.notes] == ["run-unfinished"]


def louder(project: Path) -> None:
    path = project / "data/cycles/audio/16000.parquet"
    do.value(path, "samples", 0, lambda samples: [sample * 1.1 for sample in samples])


FORGED = {
    "a waveform": ("data/cycles/audio/16000.parquet", louder, "waveform-contradicts"),
    "rows of features": (do.FEATURES, do.features, "feature-contradicts"),
    "a soft label": (
        do.SOFT_LABELS,
        lambda p: do.value(p / do.SOFT_LABELS, "soft_labels", 3, lambda labels: [labels[0][::-1]]),
        "soft-label-contradicts",
    ),
    "a prediction": (
        do.PREDICTIONS,
        lambda p: do.value(p / do.PREDICTIONS, "p_normal", 7, lambda probability: probability + 5e-3),
        "prediction-contradicts",
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_what_was_made_to_fit_every_witness_is_found_by_computing_it_anew(project, case):
    path, change, kind = FORGED[case]
    do.forge(project, path, change)
    assert kind in kinds(verification.verify(project, deep=Depth(sample=10_000, seed=0)))


def test_a_metric_that_was_made_to_fit_every_witness_contradicts_the_predictions(project):
    path = "reports/metrics.json"
    do.forge(project, path, lambda p: do.document(p / path, lambda m: m["student"]["val"]["sp"].update(mean=100.5)))
    assert kinds(verification.verify(project)) == {"metric-contradicts"}
