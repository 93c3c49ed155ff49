"""`verify --deep --retrain`: first losses and whole trainings, with a finding for each that contradicts its record."""

import shutil
from collections import Counter

import pytest

from lineage import machine
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Sample
from lineage.verify.training_recomputation import losses, retrained
from tasks.training import first_losses, jobs
from tests.unit.lineage.reproduction import adding
from tests.unit.lineage.small import edit


@pytest.fixture
def project(tmp_path):
    return adding.build(tmp_path / "project")


def findings(root, **options):
    sample = Sample(sample=1, seed=0, retrain=1)
    return list(retrained(AuditedProject(root), sample, **({"elsewhere": False} | options)))


def test_equal_bytes_are_a_note(project):
    (found,) = findings(project)
    assert (found.kind, found.severity, found.where) == ("computed-anew", "note", adding.STAGE)
    assert found.what.endswith("equal bytes")


def test_another_network_is_an_error_of_its_stage(project):
    adding.exchange(project)
    (found,) = findings(project)
    assert (found.kind, found.severity, found.stages) == ("training-contradicts", "error", (adding.STAGE,))
    assert "data/student/1/weights.bin: SHA-256" in found.what


def test_a_training_that_cannot_be_repeated_is_unchecked_unless_only_the_machine_is_another(project):
    adding.change(project, lambda record: record["environment"].update(python="2.7.18"))
    (found,) = findings(project)
    assert (found.kind, found.severity) == ("unchecked", "error")
    assert "Python: 2.7.18" in found.what
    (found,) = findings(project, elsewhere=True)
    assert found.kind == "computed-anew"


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7])
def test_all_trainings_have_their_turn_on_consecutive_days(number):
    stages = [f"train_teacher@t{one}" for one in range(5)]
    days = [Sample(sample=1, seed=day, retrain=number).trainings(stages) for day in range(739_000, 739_005)]
    turns = Counter(name for day in days for name in day)
    assert set(turns.values()) == {min(number, 5)}
    assert all(len(set(day)) == len(day) == min(number, 5) for day in days)
    assert Sample(sample=1, seed=0, retrain=number).trainings([]) == []


STAGES = ["train_teacher@t1", "train_teacher@t2", "train_teacher@t3", "train_student@1", "train_student@2"]
HERE, ELSEWHERE = {"cpu": "this", "gpus": []}, {"cpu": "another", "gpus": []}
GPU = {"cpu": "another", "gpus": [{"name": "one"}], "cuda": "12.4"}


@pytest.mark.parametrize(
    ("made", "run", "contradict"),
    [
        ([1.5, 1.25], HERE, False),
        ([1.5, 1.25000012], HERE, True),  # the last bit
        ([1.5, 1.25000012], ELSEWHERE, False),
        ([1.5, 1.27], ELSEWHERE, True),
        ([1.5, 1.27], GPU, False),  # other random numbers on a GPU
        ([1.5], ELSEWHERE, True),
        ([1.5, float("nan")], HERE, True),
        ([1.5, 1.27], {"cpu": "this", "gpus": [], "cuda": "12.4"}, True),  # no GPU was there
        ([1.5, 1.25, 1.0], HERE, True),
    ],
)
def test_first_losses_are_equal_on_the_same_processor_and_close_on_another(
    small_run, monkeypatch, made, run, contradict
):
    monkeypatch.setattr(first_losses, "compute", lambda job, settings: made)
    monkeypatch.setattr(jobs, "of_stage", lambda *_: None)
    monkeypatch.setattr(machine, "hardware", lambda: HERE)
    audited = AuditedProject(small_run)
    for entry in audited.events:
        entry.update(run)
    found = list(losses(audited))
    wrong = [one for one in found if one.kind == "training-contradicts"]
    assert sorted(one.where for one in wrong) == (sorted(STAGES) if contradict else [])
    assert all("losses are 1.5, 1.25; its inputs and settings give 1.5" in one.what for one in wrong)
    assert sorted(one.where for one in found if one.kind == "computed-anew") == sorted(STAGES)


def test_a_training_without_first_losses_is_told(small_run, tmp_path, monkeypatch):
    root = shutil.copytree(small_run, tmp_path / "project", symlinks=True)

    def told():
        return {(one.kind, one.severity) for one in losses(AuditedProject(root))}

    for stage in STAGES:
        edit(root / f"data/lineage/{stage}.json", lambda record: record["decisions"].update(first_losses=None))
    assert told() == {("training-contradicts", "error")}
    for started, found in ((2, ("losses-unknown", "note")), (1, ("training-contradicts", "error"))):
        for stage in STAGES:  # by torchrun, in several processes
            edit(
                root / f"data/lineage/{stage}.json",
                lambda record, started=started: record["decisions"].update(started_processes=started),
            )
        assert told() == {found}
    for stage in STAGES:  # of an earlier version
        edit(
            root / f"data/lineage/{stage}.json",
            lambda record: record["modules"].update(dict.fromkeys(record["modules"], "0" * 64)),
        )
    assert told() == {("losses-unknown", "note")}
