"""Trainings of a finished run are repeated: equal bytes, and networks exchanged with all their evidence are found."""

import subprocess
import sys
from pathlib import Path

import pytest

from lineage.reproduction import run, targets
from lineage.reproduction.run import Options
from lineage.verify import training_recomputation, verification
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Sample
from tests import forked, toy
from tests.pipeline import runs
from tests.pipeline import tampering as do
from tests.pipeline.tampered import weights
from tests.pipeline.tampered.cases import DEEP

# Each test copies a finished run, and trains its student in a few seconds.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _forks(monkeypatch):
    """Let a repeated stage be a fork of a process that has imported torch."""
    monkeypatch.setattr(run, "PYTHON", Path(forked.stages_first(toy.ENV)["PATH"].partition(":")[0]))


def test_a_training_gives_equal_bytes_and_finds_an_exchanged_network(project):
    with targets.find(AuditedProject(project), "student/1") as recorded:
        (found,) = targets.reproduce_each(recorded, Options(quiet=True))
    assert (found.verdict, found.files, found.conditions) == ("reproduced", 3, ())

    weights.exchange(project)
    sample = Sample(sample=1, seed=0, retrain=1)
    (error,) = training_recomputation.retrained(AuditedProject(project), sample, elsewhere=False)
    assert (error.kind, error.where, do.STUDENT in error.what) == ("training-contradicts", "train_student@1", True)


@pytest.mark.long
@pytest.mark.parametrize("what", ["score", "extract@icbhi", "report", "download@icbhi", "export"])
def test_every_kind_of_stage_is_reproducible(project, what):
    with targets.find(AuditedProject(project), what) as recorded:
        found = list(targets.reproduce_each(recorded, Options(quiet=True)))
    assert [one for one in found if one.verdict != "reproduced"] == []
    assert len(found) == (5 if what == "score" else 1)


def trained(folder: Path, recipe: str, *options: str) -> Path:
    """Return a copy of the project in which the first student of a recipe was trained on an uncommitted params.yaml."""
    toy.checkout(runs.ROOT, folder)
    runs.commit(folder, "the code")
    toy.call(folder, "breathline", "recipe", "use", recipe, *options)
    runs.repro(folder, "train_student@1")
    return folder


def check_student(project: Path) -> None:
    with targets.find(AuditedProject(project), "student/1") as recorded:
        (found,) = targets.reproduce_each(recorded, Options(quiet=True))
    assert (found.verdict, found.files, found.differences) == ("reproduced", 3, ()), found


@pytest.mark.long  # about two minutes on quiet cores
@pytest.mark.timeout(3600)
def test_the_student_of_the_demo_gives_equal_bytes(tmp_path):
    check_student(trained(tmp_path / "project", "demo"))


@pytest.mark.real
@pytest.mark.long  # about two minutes on quiet cores
@pytest.mark.timeout(3600)
def test_plain_fine_tuning_on_real_recordings_gives_equal_bytes(real_icbhi, tmp_path):
    subprocess.run([sys.executable, real_icbhi / "unpack.py", tmp_path / "icbhi"], check=True)
    check_student(trained(tmp_path / "project", "mn_plain", "--small", "--corpus", str(tmp_path / "icbhi")))


@pytest.mark.long
@pytest.mark.parametrize("case", DEEP)
def test_a_repeated_training_finds(project, case):
    tamper, kinds, where, words = DEEP[case]
    tamper(project)
    errors = verification.verify(project, deep=Sample(sample=8, seed=0, retrain=1)).errors
    assert set(kinds.split()) <= {one.kind for one in errors}
    assert [one for one in errors if one.kind in kinds.split() and where in one.where and words in one.what], errors
