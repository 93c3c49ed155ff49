"""Maps and sharpness of the models of a project on disk, as the stage makes them."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.explanation.settings import Method
from models.training.settings import ComputeSettings
from tasks import explain
from tasks.explanation.settings import EmbeddingSettings, ExplanationSettings, MapSettings, SharpnessSettings
from tasks.subsets.assignment import Assignment
from tests.unit.models.training.toys import write_cache
from tests.unit.tasks import models_on_disk

METHODS: list[Method] = ["attention_rollout", "layer_cam"]


def settings(cycles: int) -> ExplanationSettings:
    return ExplanationSettings(
        seed=0,
        embeddings=EmbeddingSettings(cycles=10, neighbours=1, perplexity=2),
        maps=MapSettings(cycles=cycles, methods=METHODS, steps=2),
        sharpness=SharpnessSettings(cycles=cycles, iterations=2, points=2),
    )


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Return a student and an equal teacher of a project in the current folder, with six patients of two cycles."""
    monkeypatch.chdir(tmp_path)
    labels = np.arange(12) % 4
    cycles = write_cache(Path("data/fbank/ast/demo"), labels, frames=98, mels=128, frontend="ast")
    path = Path("data/fbank/ast/demo/statistics.json")
    shown = json.loads(path.read_text(encoding="utf-8")) | {"duration_s": models_on_disk.DURATION_S}
    path.write_text(json.dumps(shown), encoding="utf-8")
    patients = [str(index // 2) for index in range(12)]
    table = {"cycle_id": cycles, "corpus": ["demo"] * 12, "patient_id": patients, "duration_s": [0.5] * 12}
    Path("data/cycles").mkdir()
    pl.DataFrame(table).write_parquet("data/cycles/cycles.parquet")
    assigned = Assignment(
        labels="lungsound_4",
        classes=("normal", "crackle", "wheeze", "both"),
        subsets={cycle: "train" if index < 6 else "test" for index, cycle in enumerate(cycles)},
        targets=dict(zip(cycles, labels.tolist(), strict=True)),
        patients=dict(zip(cycles, patients, strict=True)),
        recordings={cycle: cycle.rpartition("_")[0] for cycle in cycles},
        corpora={cycle.rpartition("_")[0]: "demo" for cycle in cycles},
        devices={cycle.rpartition("_")[0]: "demo/Meditron" for cycle in cycles},
    )
    folders = {"teacher/a": Path("data/teachers/a"), "student/1": Path("data/student/1")}
    for folder in folders.values():
        models_on_disk.write(folder)
    compute = ComputeSettings(device="cpu", precision="auto", threads=1)
    return explain.Models(
        folders=folders,
        compute=compute,
        assigned=assigned,
        confidence=0.95,
        baselines=[],
        optimizers={"teacher/a": "adamw", "student/1": "sam"},
    )


def test_maps_and_sharpness(models):
    drawn = {"train": models.assigned.cycles("train"), "val": [], "test": models.assigned.cycles("test")}
    tested = pl.read_parquet("data/cycles/cycles.parquet")[6:]
    found = explain.explain_maps(models, settings(4), drawn, tested, drawn["test"])
    assert (found["confidence"], found["cycles"], list(found["models"])) == (0.95, 4, ["student/1"])
    table = pl.read_parquet("data/explanation/maps.parquet")
    assert set(table["cycle_id"]) <= set(drawn["test"])
    assert table["method"].to_list() == ["attention_rollout"] * 6, "four tested cycles and two that are shown"
    sharp = explain.explain_sharpness(models, settings(4), drawn)
    assert (sharp["cycles"], list(sharp["models"])) == (4, ["student/1", "teacher/a"])
    assert [one.pop("optimizer") for one in sharp["models"].values()] == ["sam", "adamw"]
    assert sharp["models"]["student/1"] == sharp["models"]["teacher/a"], "the networks and the cycles are equal"


def test_nothing_is_drawn_of_no_cycles(models):
    drawn = {"train": models.assigned.cycles("train"), "val": [], "test": models.assigned.cycles("test")}
    tested = pl.read_parquet("data/cycles/cycles.parquet")[6:]
    assert explain.explain_maps(models, settings(0), drawn, tested, []) == {
        "confidence": 0.95,
        "cycles": 0,
        "models": {},
    }
    assert pl.read_parquet("data/explanation/maps.parquet").height == 0
    assert explain.explain_sharpness(models, settings(0), drawn) == {"cycles": 0, "models": {}}
