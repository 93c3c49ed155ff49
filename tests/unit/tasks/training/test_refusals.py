"""Settings of trainings, and what is said where they, or the inputs, cannot be."""

import json
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from models.training.features import Features
from tasks import train_student, train_teacher
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import merge
from tasks.training import student, teachers
from tests.unit.tasks import trainings
from tests.unit.tasks.trainings import change, soft_labels


def failing(capsys: pytest.CaptureFixture[str], stage: ModuleType, item: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        stage.main(item)
    assert exit_.value.code == 1
    return " ".join(capsys.readouterr().err.split())


def test_missing_inputs_are_named_with_what_to_do(project, capsys):
    teacher_stage, student_stage = (train_teacher, "ast"), (train_student, "5")
    assert "There is no teacher as. " in failing(capsys, train_teacher, "as")

    cycles = list(Features(project / "data" / "fbank" / "wide").rows)
    soft_labels(project, cycles[1:])
    said = failing(capsys, *student_stage)
    assert f"1 training cycles have no soft label, such as {cycles[0]}" in said
    soft_labels(project, [])
    assert "because there are no teachers" in failing(capsys, *student_stage)

    index = project / "data" / "fbank" / "narrow" / "demo" / "index.parquet"
    whole = pq.read_table(index)
    pq.write_table(whole.slice(1), index)
    said = failing(capsys, *teacher_stage)
    assert "it names 119 cycles, not each of the 120 rows of the features once" in said
    assert "dvc repro fbank@demo-narrow" in said
    pq.write_table(whole, index)

    source = project / "data" / "weights" / "scratch" / "source.json"
    source.write_text(json.dumps({"sha256": "a" * 64}))
    assert "The weights scratch are missing. " in failing(capsys, *teacher_stage), "never a silent random start"
    source.unlink()
    assert "dvc repro weights@scratch" in failing(capsys, *teacher_stage)


WILD = {"lr": 1000.0, "weight_decay": 1000.0}  # the largest allowed: the weights grow a millionfold at each step


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher_training": {"batch_size": 500}}, "do not fill one batch of 500"),
        ({"teacher_training": {"batch_size": 0}}, "batch_size is 0; allowed: a whole number from 1"),
        ({"teacher_training": {"specaugment": {"policy": "icbhi"}}}, "specaugment.policy"),
        (
            {"teacher_training": {"sampler": "weigthed"}},
            "weighted, shuffle, device_balanced, corpus_balanced; did you mean",
        ),
        ({"teacher_training": {"objective": {"name": "soft_labels", "label_smoothing": 0.0}}}, "cannot train on soft"),
        ({"teacher_training": {"optimizer": WILD}}, "diverged in epoch 1"),
        ({"teachers": {"ast": {"frontend": "none"}}}, "data/fbank/none/features.npy"),
        ({"teachers": {"ast": {"options": {"dept": 3}}}}, "no option dept"),
        ({"teachers": {"ast": {"override": {"patienc": 3}}}}, "patienc"),
        ({"selections": ["paper"]}, "selection val is missing"),
        ({"labels": "lungsound_5"}, "no label set `lungsound_5`"),
        ({"compute": {"device": "cuda"}}, "no CUDA device"),
    ],
)
def test_settings_that_cannot_be_are_explained(project, monkeypatch, capsys, changes, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    change(project, changes)
    assert message in failing(capsys, train_teacher, "ast")
    assert not list((project / "data" / "teachers").iterdir())


def test_a_diverged_training_names_the_next_step_for_its_cause(project, capsys):
    change(project, {"teacher_training": {"optimizer": WILD}})
    said = failing(capsys, train_teacher, "ast")
    assert "epoch 1, step 3: the loss is nan, for the batch of 7 cycles (106_1" in said
    assert "where: params.yaml: optimizer next: lower optimizer.lr" in said
    change(project, {})
    features = np.load(project / "data/fbank/narrow/demo/features.npy", mmap_mode="r+")
    features[5] = np.nan
    features.flush()
    said = failing(capsys, train_teacher, "ast")
    assert "The features of 1 cycle (101_1b1_Al_sc_Meditron_005) are not finite." in said
    assert "where: data/fbank/narrow next: run `dvc repro --force --single-item fbank@CORPUS-narrow`" in said


def test_memory_that_runs_out_outside_of_a_step_is_one_error(project, capsys, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore details")

    monkeypatch.setattr(Features, "on_device", full)
    said = failing(capsys, train_teacher, "ast")
    assert "Memory ran out: CUDA out of memory. Tried to allocate 2.00 GiB. where: params.yaml next: end other" in said


def test_parameters_and_overrides_merge():
    settings, training = teachers.parse(trainings.PARAMS, "mn")
    assert (settings.seed, training.optimizer.name, training.optimizer.lr) == (1, "sam", 0.003)
    with pytest.raises(BreathlineError, match="There is no teacher x"):
        teachers.parse(trainings.PARAMS, "x")


@pytest.mark.parametrize(("changes", "key"), [({"dropout": 0.1}, "student.dropout"), ({"optimizer": {"mu": 1}}, "mu")])
def test_a_student_knows_its_keys_alone(changes, key):
    network, training = student.parse(trainings.PARAMS["student"])
    assert (network.architecture, training.objective.name) == ("mn", "soft_labels")
    with pytest.raises(BreathlineError, match=key):
        student.parse(merge(trainings.PARAMS["student"], changes))
