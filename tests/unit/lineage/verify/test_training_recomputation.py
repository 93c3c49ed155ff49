"""`verify --deep --retrain`: trainings that take turns, and a finding for each that contradicts its record."""

from collections import Counter

import pytest

from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Sample
from lineage.verify.training_recomputation import retrained
from tests.unit.lineage.reproduction import adding


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
