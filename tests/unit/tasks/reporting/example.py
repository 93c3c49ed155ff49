"""A small finished run on disk, for the sections of the report."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.evaluation import curves, decision_analysis
from tasks.evaluation.ensembles import over_k
from tasks.evaluation.predictions import pool, table
from tasks.reporting.run_results import RunResults
from tasks.runtime import corpus_facts, files
from tasks.runtime.corpus_facts import Published
from tasks.runtime.schemas import AUDIO
from tests.unit.tasks.evaluation.example import CLASSES, cycles, evaluator, facts, metrics, predict
from tests.unit.tasks.reporting import explained

FAILING = {"meaning": "No cycle is shorter than 0.5 s.", "fails_for": "2 of 96 cycles", "severity": "warning"}
VERDICTS = {
    "success": True,
    "totals": {"expectations": 16, "holding": 1, "warnings": 15, "errors": 0},
    "expectations": [{"success": True, **FAILING}, *[{"success": False, **FAILING}] * 15],
}
ABOUT = {"duration_s": 8.0, "frontend": "efficientat", "pad": "repeat", "sample_rate": 4000}
FRAMES, MELS = 40, 16
SKILLS = {"student/1": 1.5, "student/2": 1.2, "teacher/a": 1.0, "teacher/b": 0.5, "ensemble": 1.1}


def write(root: Path, explanation: Mapping[str, Any] | None = None) -> None:
    """Write the tables, features and predictions that sections read beside the figures.

    Args:
        root: Folder of the project.
        explanation: Contents of ``reports/explanation.json``; without any, its sections are left out.
    """
    frame = cycles()
    (root / "data/cycles").mkdir(parents=True)
    frame.with_columns(lungsound_4=pl.col("label")).write_parquet(root / "data/cycles/cycles.parquet")
    recordings = frame.unique("recording_id", maintain_order=True).select(
        "corpus", "recording_id", "patient_id", "device", "location", "sex"
    )
    recordings = recordings.with_columns(age=pl.lit(70.0), rms_dbfs=pl.lit(-20.0), sample_rate=pl.lit(4000))
    recordings.write_parquet(root / "data/cycles/recordings.parquet")
    corpus_facts.write(root / "data/cycles", facts())
    files.write_json(root / "data/validation/other/results.json", VERDICTS)
    files.write_json(root / "data/external/validation/theirs/results.json", {**VERDICTS, "expectations": []})
    cache = root / "data/fbank/efficientat/demo"
    cache.mkdir(parents=True)
    np.save(cache / "features.npy", np.random.default_rng(0).normal(size=(frame.height, FRAMES, MELS)).astype("f2"))
    frame.select("cycle_id", row=pl.int_range(pl.len(), dtype=pl.Int32)).write_parquet(cache / "index.parquet")
    (cache / "statistics.json").write_text(json.dumps(ABOUT))
    sounds = root / "data/waveforms/demo"
    sounds.mkdir(parents=True)
    ids = frame["cycle_id"].to_list()
    tones = [np.sin(np.arange(400 + 10 * row) / (2 + row % 5)).astype("f4").tolist() for row in range(len(ids))]
    pq.write_table(pa.table({"cycle_id": ids, "samples": tones}, AUDIO), sounds / "4000.parquet")
    theirs = root / "data/external/tested/theirs"
    shutil.copytree(root / "data/cycles", theirs)
    shutil.copytree(cache, theirs / "fbank/efficientat")
    (root / "data/evaluation").mkdir(parents=True)
    parts = [predict(name, frame, seed, skill) for seed, (name, skill) in enumerate(SKILLS.items())]
    pq.write_table(table(parts, frame, CLASSES), root / "data/evaluation/predictions.parquet")
    (root / "reports").mkdir()
    (root / "reports/explanation.json").write_text(json.dumps(explanation or {}))
    explained.write_maps(root / "data/explanation/maps.parquet", [])


def results(
    root: Path, published: tuple[Published, ...] = (), card: Mapping[str, Any] | None = None, **arguments: Any
) -> RunResults:
    """Return the results of the run at `root`.

    Args:
        root: Folder that `write` has filled.
        published: Published figures of the corpus.
        card: Further keys of the student's model card.
        arguments: Arguments of `metrics`.
    """
    frame, found = cycles(), metrics(published=published, **arguments)
    labels = frame["label"].to_numpy().astype(np.int64)
    student = pool("student", [predict(name, frame, at, skill) for at, (name, skill) in enumerate(SKILLS.items())][:2])
    logits = [np.random.default_rng(0).normal(size=(len(labels), 4)).astype(np.float32) for _ in found["teachers"]]
    history = pl.DataFrame({"model": ["student/1", "student/1"], "epoch": [1, 2], "train_loss": [1.5, 1.0]})
    options = {"width": 0.1, "pooling": {"windows": "attention", "window_s": 2.0, "hop_s": 1.0}}
    known = {"architecture": "mn", "options": options, "frontend": "efficientat", "weights": "scratch"}
    known |= {"parameters": 12345, "seed": 1, "selections": {key: {"epoch": 2} for key in found["selections"]}}
    return RunResults(
        metrics=found,
        plots={
            "roc": curves.roc_table([student], labels, CLASSES),
            "precision_recall": curves.precision_recall_table([student], labels, CLASSES),
            "operating_points": decision_analysis.operating_curve([student], labels, CLASSES),
            "decision_curve": decision_analysis.decision_curve([student], labels),
            "training": history.with_columns(val_score_strict=pl.Series([None, 55.0])),
            "ensemble_size": over_k({k: logits[:k] for k in range(1, len(logits) + 1)}, evaluator(frame), "val"),
        },
        cards={"student/1": known | (card or {})},
        facts=replace(facts(), published=published),
        root=root,
    )
