"""A project folder with cycles, feature caches and initial weights that train in seconds, and the stages run in it."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ruamel.yaml import YAML

from tasks.runtime.params import merge
from tests.unit.models.training.toys import write_cache

TRAINING = {
    "objective": {"name": "cross_entropy", "label_smoothing": 0.1, "class_weights": "none"},
    "optimizer": {
        "name": "adamw", "lr": 0.003, "weight_decay": 1e-4, "rho": 0.05, "adaptive": False, "clip_norm": None,
    },
    "schedule": {"epochs": 4, "warmup_epochs": 1, "final_lr_fraction": 0.01},
    "sampler": "weighted",
    "batch_size": 8,
    "specaugment": {"policy": "icbhi_ast_sup", "fill": "mean", "gate": "uniform"},
    "moving_average": {"kind": "ema", "decay": 0.9},
    "patience": 0,
}  # fmt: skip
LABEL_SETS = {"lungsound_4": ("normal", "crackle", "wheeze", "both"), "lungsound_2": ("normal", "abnormal")}
MN = {"architecture": "mn", "options": {"width": 0.1}, "frontend": "wide", "weights": "scratch"}
AST = {"architecture": "ast", "options": {"size": "tiny", "depth": 1, "stride": 16}, "frontend": "narrow"}
PARAMS: dict[str, Any] = {
    "labels": "lungsound_4",
    "heads": {},
    "split": "official",
    "validation": {"fraction": 0.3, "seed": 0},
    "selections": ["val"],
    "compute": {"device": "cpu", "precision": "auto", "threads": 1},
    "teacher_training": TRAINING,
    "teachers": {
        "mn": {**MN, "seed": 1, "override": {"optimizer": {"name": "sam"}}},
        "ast": {**AST, "weights": "scratch", "seed": 2, "override": {"schedule": {"epochs": 2}}},
    },
    "soft_labels": {"k": 2, "temperature": 1.0},
    "student": {**MN, "seeds": [5], **TRAINING, "objective": {**TRAINING["objective"], "name": "soft_labels"}},
}  # fmt: skip
PARAMS["student"]["objective"]["label_smoothing"] = 0.0


def make(folder: Path) -> list[str]:
    """Write the project; return its cycles: of 20 patients 12 are on the training side."""
    labels = np.random.default_rng(3).integers(0, 4, 120).astype(np.int8)
    for name, frames in (("wide", 40), ("narrow", 32)):
        cycles = write_cache(folder / "data" / "fbank" / name / "demo", labels, frames=frames, mels=32, frontend=name)
    patients = np.array([int(cycle[:3]) for cycle in cycles], dtype=np.int32)
    table = {
        "corpus": ["demo"] * len(cycles),
        "cycle_id": cycles,
        "patient_id": patients.astype(str),
        "recording_id": [cycle.rpartition("_")[0] for cycle in cycles],
        "device": [("Meditron", "Litt3200")[patient % 2] for patient in patients.tolist()],
        "split": ["train" if patient < 113 else "test" for patient in patients],
        "fold": (patients % 5).astype(np.int8),
        "lungsound_4": labels,
        "lungsound_2": np.minimum(labels, 1),
    }
    (folder / "data" / "cycles").mkdir()
    pq.write_table(pa.table(table), folder / "data" / "cycles" / "cycles.parquet")
    sets = {name: {"column": name, "classes": classes, "description": ""} for name, classes in LABEL_SETS.items()}
    (folder / "data" / "cycles" / "label_sets.json").write_text(json.dumps(sets))
    scratch = folder / "data" / "weights" / "scratch"
    scratch.mkdir(parents=True)
    (scratch / "source.json").write_text(json.dumps({"name": "scratch", "source": "none", "sha256": None}))
    (folder / "data" / "teachers").mkdir()
    write_params(folder, PARAMS)
    return cycles


def write_params(folder: Path, params: dict[str, Any]) -> None:
    YAML().dump(json.loads(json.dumps(params)), folder / "params.yaml")


def change(project: Path, changes: dict[str, Any]) -> None:
    write_params(project, merge(copy.deepcopy(PARAMS), changes))


def soft_labels(project: Path, cycles: list[str]) -> None:
    folder = project / "data" / "soft_labels"
    folder.mkdir(exist_ok=True)
    rows = {"cycle_id": cycles, "soft_labels": [[[0.4, 0.3, 0.2, 0.1]]] * len(cycles)}
    pq.write_table(pa.table(rows), folder / "soft_labels.parquet")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
