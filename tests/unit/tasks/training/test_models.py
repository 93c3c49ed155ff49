"""`train_teacher` and `train_student` as processes see them: files in, a model out."""

import csv
import json
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from models import artifact
from models.networks.pooling import Windows
from models.networks.registry import create
from models.training.decision_fitting import fit
from models.training.features import Features
from models.training.settings import ComputeSettings, DecisionSettings
from tasks import train_student, train_teacher
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.hooks import hooks
from tasks.subsets import assignment
from tasks.subsets.assignment import Assignment
from tasks.subsets.splits import Subset
from tasks.training import first_losses, jobs
from tasks.training.decisions import FIRST_LOSSES
from tasks.training.preparation import labelled_cycles
from tests.unit.tasks.trainings import LABEL_SETS, change, contents, soft_labels

HISTORY = "epoch lr train_loss val_loss val_sp val_se_strict val_se_lenient val_score_strict val_score_lenient"
ONE_EPOCH = {"schedule": {"epochs": 1}, "objective": {"focal_gamma": 1.5}}


def test_a_teacher_is_what_the_agreement_says(project):
    rule = {"rule": "threshold", "score": "lenient"}
    change(project, {"selections": ["val", "paper"], "teacher_training": {"decision": rule}})
    train_teacher.main("ast")
    out = project / "data" / "teachers" / "ast"
    assert sorted(contents(out)) == ["history.csv", "model.json", "paper.safetensors", "val.safetensors"]
    card = json.loads((out / "model.json").read_text())
    wanted = {"architecture", "options", "frontend", "frames", "mels", "duration_s", "labels", "classes", "weights"}
    assert wanted | {"pad", "fade", "seed", "parameters", "selections", "decision_rules"} == set(card)
    assert (card["frames"], card["mels"], card["duration_s"], card["seed"]) == (32, 32, 2.0, 2)
    assert card["classes"] == ["normal", "crackle", "wheeze", "both"]
    with (out / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = HISTORY.split()
    assert list(rows[0]) == names + [name.replace("val", "paper") for name in names if "val_" in name]
    assert [row["epoch"] for row in rows] == ["1", "2"], "the override's epochs"
    best = card["selections"]["val"]
    assert float(rows[best["epoch"] - 1]["val_score_strict"]) == best["score_strict"]
    network, _ = artifact.load(out, "val")
    cache = Features(project / "data" / "fbank" / "narrow")
    assert network(cache.batch(cache.find(list(cache.rows)[:3]), torch.device("cpu"))).shape == (3, 4)
    assert not list((project / ".checkpoints").iterdir())
    cycles = pq.read_table(project / "data" / "cycles" / "cycles.parquet").to_pylist()
    tested = [row for row in cycles if row["split"] == "test"]
    features = cache.batch(cache.find(row["cycle_id"] for row in tested), torch.device("cpu"))
    labels = torch.tensor([row["lungsound_4"] for row in tested])
    loss = torch.nn.functional.cross_entropy(artifact.load(out, "paper")[0](features), labels)
    assert card["selections"]["paper"]["loss"] == pytest.approx(loss.item(), rel=1e-5), "judged on the test set"

    validation = assignment.from_params(params.read()).cycles("val")
    truth = {row["cycle_id"]: row["lungsound_4"] for row in cycles}
    labels = np.array([truth[cycle] for cycle in validation])
    for selection, rule in card["decision_rules"].items():
        logits = artifact.load(out, selection)[0](cache.batch(cache.find(validation), torch.device("cpu"))).detach()
        patients = np.unique([cycle[:3] for cycle in validation], return_inverse=True)[1]
        assert rule["lenient"] == fit(logits.numpy(), labels, patients, DecisionSettings(rule="argmax"))[0].lenient
        assert (rule["rule"], rule["threshold"]) == ("threshold", rule["lenient"])
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).item()
        assert rule["val_loss"] == pytest.approx(loss, rel=1e-4), "also for the epoch of the test set"
        assert rule["val_loss_scaled"] <= rule["val_loss"]


def test_the_record_has_the_first_losses_which_a_later_computation_gives_again(project, monkeypatch):
    decided: dict[str, Any] = {}

    @contextmanager
    def recorder(root, name, decisions):
        yield
        decided.update(decisions)

    monkeypatch.setattr(hooks, "recorder", recorder)
    (project / "dvc.yaml").touch()
    change(project, {"teachers": {"mn": {"override": ONE_EPOCH}}})
    train_teacher.main("mn")
    assert len(decided[FIRST_LOSSES]) == 6, "the steps of an epoch"
    read = params.read()
    compute = params.parse(ComputeSettings, read["compute"], "compute")
    assert first_losses.compute(jobs.of_stage(read, "train_teacher@mn"), compute) == decided[FIRST_LOSSES]


@pytest.mark.slow
def test_a_student_learns_from_soft_labels(project):
    soft_labels(project, list(Features(project / "data" / "fbank" / "wide").rows))
    train_student.main("5")
    one = contents(project / "data" / "student" / "5")
    assert json.loads(one["model.json"])["seed"] == 5
    train_student.main("5")
    assert contents(project / "data" / "student" / "5") == one, "equal inputs, equal bytes"
    change(project, {"student": {"objective": {"name": "cross_entropy"}}})
    train_student.main("5")
    assert contents(project / "data" / "student" / "5")["val.safetensors"] != one["val.safetensors"]


def test_a_teacher_with_attention_over_windows_learns_and_is_loaded(project):
    pooling = {"windows": "attention", "window_s": 1.0, "hop_s": 0.5}
    teacher = {"options": {"size": "tiny", "depth": 1, "stride": 16, "pooling": pooling}, "override": ONE_EPOCH}
    change(project, {"teachers": {"ast": teacher}})
    train_teacher.main("ast")
    network, card = artifact.load(project / "data" / "teachers" / "ast", "val")
    assert card["options"]["pooling"] == pooling
    assert network.windows == Windows(length=16, starts=(0, 8, 16))
    cache = Features(project / "data" / "fbank" / "narrow")
    assert network(cache.batch(cache.find(list(cache.rows)[:3]), torch.device("cpu"))).shape == (3, 4)
    torch.manual_seed(card["seed"])
    untrained = create("ast", frames=32, mels=32, classes=4, options=card["options"], weights=None, duration_s=2.0)
    assert not torch.equal(network.attention.score.weight, untrained.attention.score.weight)


def test_a_part_keeps_rows_labels_and_soft_labels_in_step(project):
    cache = Features(project / "data" / "fbank" / "wide")
    cycles = list(cache.rows)[:3]
    subsets: dict[str, Subset] = dict(zip(cycles, ("train", "val", "train"), strict=True))
    targets = dict(zip(cycles, (2, 0, 1), strict=True))
    labels = {"labels": "lungsound_4", "classes": LABEL_SETS["lungsound_4"]}
    people, corpora, devices = dict.fromkeys(cycles, "101"), {"101": "demo"}, {"101": "demo/Meditron"}
    wanted = Assignment(
        **labels,
        subsets=subsets,
        targets=targets,
        patients=people,
        recordings=people,
        corpora=corpora,
        devices=devices,
    )
    soft = {cycle: np.full(4, target, dtype=np.float32) for cycle, target in targets.items()}
    got = labelled_cycles(wanted, cache, "train", soft)
    assert (got.rows.tolist(), got.labels.tolist(), got.soft[:, 0].tolist()) == ([0, 2], [2, 1], [2, 1])
    assert labelled_cycles(wanted, cache, "val", None).rows.tolist() == [1]
    with pytest.raises(BreathlineError, match=f"1 training cycles have no soft label, such as {cycles[2]}"):
        labelled_cycles(wanted, cache, "train", {cycle: soft[cycle] for cycle in cycles[:2]})
