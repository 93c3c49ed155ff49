"""Soft labels, predictions and metrics of the small project, from random logits; and the decisions of its stages."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from tasks import artifacts
from tasks import evaluate as evaluation
from tasks import explain as explanation
from tasks import export as exporting
from tasks.artifacts import CorpusFolders
from tasks.distillation import labelling
from tasks.distillation.settings import SoftLabelSettings
from tasks.evaluation import by_corpus, model_rules, native
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation.evaluator import Evaluator
from tasks.evaluation.predictions import Predictions, schema, table
from tasks.evaluation.settings import EvaluationSettings
from tasks.evaluation.summary import about, headline, summarize
from tasks.explanation import embeddings, maps, sample
from tasks.runtime import corpus_facts, files, params
from tasks.subsets import assignment
from tasks.training import jobs, teachers
from tasks.training.decisions import FIRST_LOSSES, decisions


def soft_labels(root: Path, read: Mapping[str, Any], _item: str) -> None:
    cycles = _assigned(root, read).cycles("train", "val")
    vector = pa.list_(pa.float32())
    columns = {
        "cycle_id": pa.array(cycles, pa.string()),
        "soft_labels": pa.array([[[0.7, 0.1, 0.1, 0.1]]] * len(cycles), pa.list_(vector)),
    }
    columns |= {f"logits.{name}": pa.array(_logits(cycles, name).tolist(), vector) for name in sorted(read["teachers"])}
    files.write_table(root / "data/soft_labels/soft_labels.parquet", pa.table(columns))


def evaluate(root: Path, read: Mapping[str, Any], _item: str) -> None:
    assigned = _assigned(root, read)
    facts = corpus_facts.read(root / corpus_facts.FOLDER)
    groups = [group.column for group in facts.group_columns]
    classes, ids = facts.label_sets[assigned.labels].classes, assigned.cycles("test")
    tables = (root / "data/cycles/cycles.parquet", root / "data/cycles/recordings.parquet")
    cycles = test_cycles.read(*tables, ids=ids, labels=assigned.labels, groups=groups)
    predictions = _predictions(root, read, ids)
    ensemble, baselines = decide(root, read, "evaluate")["ensemble"], teachers.baselines(teachers.read(read))
    files.write_table(root / "data/evaluation/predictions.parquet", table(predictions, cycles, classes))
    settings = params.parse(EvaluationSettings, read["evaluation"], "evaluation")
    evaluator = Evaluator(cycles, classes, settings, groups=groups, metrics=facts.metrics_of(assigned.labels))
    metrics = summarize(evaluator, predictions, about(facts, assigned.labels, read["split"]), ensemble, baselines)
    metrics["corpora"] = by_corpus.of_training(
        cycles,
        predictions,
        facts,
        labels=assigned.labels,
        split=read["split"],
        ensemble=ensemble,
        baselines=baselines,
        settings=settings,
    )
    tested = {name: _tested(root, read, name, classes) for name in sorted(read["external"])}
    files.write_table(
        root / "data/evaluation/external.parquet", by_corpus.predictions_table(tested, classes, schema(classes))
    )
    files.write_table(root / "data/evaluation/native.parquet", native.table({}))
    metrics["external"] = by_corpus.of_tested(tested, settings, ensemble, baselines)
    files.write_json(root / "reports/metrics.json", metrics)
    files.write_json(root / "reports/scores.json", headline(metrics))
    (root / "reports/plots").mkdir(exist_ok=True)
    folders = {f"student/{seed}": root / "data/student" / str(seed) for seed in read["student"]["seeds"]}
    logits = {1: [_logits(ids, name) for name in ensemble]}
    for name, frame in evaluation.plot_tables(predictions, evaluator, folders, logits, {}).items():
        frame.write_csv(root / f"reports/plots/{name}.csv")


def explain(root: Path, read: Mapping[str, Any], _item: str) -> None:
    assigned, settings = _assigned(root, read), read["explanation"]
    drawn = sample.draw(assigned, cycles=settings["embeddings"]["cycles"], seed=settings["seed"])
    tables, classes = (root / "data/cycles/cycles.parquet", root / "data/cycles/recordings.parquet"), assigned.classes
    cycles = sample.table(*tables, drawn, labels=assigned.labels, classes=classes)
    ids = cycles["cycle_id"].to_list()
    embedded = [
        embeddings.Embeddings(f"student/{seed}", selection, _logits(ids, f"{seed}{selection}"), None)
        for seed in read["student"]["seeds"]
        for selection in read["selections"]
    ]
    files.write_table(root / artifacts.EMBEDDINGS, embeddings.table(embedded, cycles, classes))
    files.write_table(root / artifacts.MAPS, maps.table([]))
    files.write_json(root / artifacts.EXPLANATION, {})


def _predictions(root: Path, read: Mapping[str, Any], ids: Sequence[str]) -> list[Predictions]:
    folders = {f"student/{seed}": root / "data/student" / str(seed) for seed in read["student"]["seeds"]}
    folders |= {f"teacher/{name}": root / "data/teachers" / name for name in sorted(read["teachers"])}
    members = decide(root, read, "evaluate")["ensemble"]
    rules = model_rules.read(folders, members, read["selections"])
    return [
        Predictions(model, selection, _softmax(_logits(ids, model + selection))[None], (rules[model, selection],))
        for selection in read["selections"]
        for model in (*folders, "ensemble")
    ]


def _tested(root: Path, read: Mapping[str, Any], name: str, classes: Sequence[str]) -> by_corpus.Tested:
    folder = root / CorpusFolders("external", name).tables
    facts, tables = corpus_facts.read(folder), (folder / "cycles.parquet", folder / "recordings.parquet")
    ids = pl.read_parquet(tables[0])["cycle_id"].sort().to_list()
    groups = [group.column for group in facts.group_columns]
    cycles = test_cycles.read(*tables, ids=ids, labels=read["labels"], groups=groups)
    return by_corpus.Tested(
        facts=facts, labels=read["labels"], test="all", cycles=cycles, predictions=_predictions(root, read, ids)
    )


def decide(root: Path, read: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Return the decisions of a stage, by its own functions; empty for stages that decide nothing."""
    group = stage.partition("@")[0]
    if group not in ("train_teacher", "train_student", "soft_labels", "evaluate", "explain", "export"):
        return {}
    if group in ("train_teacher", "train_student"):
        return decisions(jobs.of_stage(read, stage, root)) | {FIRST_LOSSES: [1.5, 1.25]}
    whole, folder = _assigned(root, read), root / "data/teachers"
    if group in ("explain", "export"):
        return exporting.decide(whole) if group == "export" else _decide_explain(root, read, whole)
    known = teachers.read(read)
    choice = params.parse(SoftLabelSettings, read["soft_labels"], "soft_labels")
    if group == "soft_labels":
        return labelling.decide(known, choice, whole, folder)
    classes = corpus_facts.read(root / corpus_facts.FOLDER).label_sets[read["labels"]].classes
    return evaluation.decide(known, choice, whole, folder, classes)


def _decide_explain(root: Path, read: Mapping[str, Any], whole: assignment.Assignment) -> dict[str, Any]:
    embedded = read["explanation"]
    drawn = sample.draw(whole, cycles=embedded["embeddings"]["cycles"], seed=embedded["seed"])
    return explanation.decide(whole, drawn, explanation.test_cycles(read, whole, root)[1])


def _assigned(root: Path, read: Mapping[str, Any]) -> assignment.Assignment:
    return assignment.from_params(read, root / "data/cycles/cycles.parquet")


def _logits(cycles: Sequence[str], salt: str) -> np.ndarray:
    seed = [ord(letter) for letter in json.dumps([salt, *cycles])]
    return np.random.default_rng(seed).normal(size=(len(cycles), 4)).astype(np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits)
    return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
