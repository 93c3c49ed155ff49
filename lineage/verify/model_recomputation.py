"""Soft labels and predictions computed anew from weights and features, and all figures from the predictions."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lineage.verify.audited_project import Tree
from lineage.verify.event_log import done
from lineage.verify.findings import Depth, Finding
from models.training.settings import ComputeSettings, Selection
from tasks.artifacts import CYCLES, FEATURE_CACHES, METRICS, PREDICTIONS, RECORDINGS, SOFT_LABELS, STUDENTS, TEACHERS
from tasks.distillation.soft_targets import SoftLabelSettings
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation.inference import assemble, predict_all
from tasks.evaluation.predictions import Predictions
from tasks.evaluation.summary import EvaluationSettings, Evaluator, about, summarize
from tasks.runtime import corpus_facts, params
from tasks.runtime.params import flatten
from tasks.soft_labels import label
from tasks.subsets import assignment
from tasks.training import teachers
from tasks.training.torch_setup import set_up

# How far networks may be off that see the same cycles in other batches, in fp32; and where bf16 took part.
EXACT, ROUNDED = 1e-4, 0.05
FIGURE = {True: 1.01e-4, False: 0.0101}  # the last decimal of areas and errors (up to 2), and of percentages

Vectors = npt.NDArray[np.float32]
Parameters = Mapping[str, Any]


def soft_labels(tree: Tree, depth: Depth) -> Iterator[Finding]:
    """Yield cycles whose logits their teachers do not give, and soft labels that do not follow from the logits."""
    found = tree.project.records.get("soft_labels")
    if found is None:
        return
    given, compute = found["params"], _compute(found["params"])
    table = tree.table(SOFT_LABELS)
    known = teachers.read(given)
    if not known:
        return
    ids = table["cycle_id"].to_pylist()
    logits = {name: _vectors(table, f"logits.{name}") for name in known}
    settings = params.parse(SoftLabelSettings, given["soft_labels"], "soft_labels")
    chosen = teachers.choose(known, settings, tree.root / TEACHERS)
    wanted = assignment.from_params(given, tree.root / CYCLES)
    made = label({name: logits[name] for name in chosen}, known, wanted, settings)
    kept = np.array(table["soft_labels"].to_pylist(), dtype=np.float32)
    if made.shape != kept.shape:
        what = f"their shape is {kept.shape}, from the logits follows {made.shape}"
        yield Finding(kind="soft-label-contradicts", where=str(SOFT_LABELS), what=what, stages=("soft_labels",))
        return
    for row in np.flatnonzero(np.abs(made - kept).max(axis=(1, 2)) > EXACT):
        what = f"it is {kept[row].tolist()}, from the logits follows {made[row].tolist()}"
        yield Finding(kind="soft-label-contradicts", where=ids[row], what=what, stages=("soft_labels",))
    rows = _choose(len(ids), depth)
    sample = [ids[row] for row in rows]
    folders = {name: tree.root / TEACHERS / name for name in known}
    set_up(compute)
    anew = predict_all(folders, sample, selections=["val"], compute=compute, features_root=tree.root / FEATURE_CACHES)[
        "val"
    ]
    largest, allowed = 0.0, _allowed(tree, "soft_labels", given)
    for name in known:
        off = np.abs(anew[name] - logits[name][rows]).max(axis=1)
        largest = max(largest, float(off.max()))
        for place in np.flatnonzero(~(off <= allowed)):
            what = f"the teacher {name} gives other logits, by {off[place]:.2g}"
            yield Finding(kind="soft-label-contradicts", where=sample[place], what=what, stages=("soft_labels",))
    told = (
        f"{len(ids)} soft labels combined anew, logits of {len(sample)} cycles computed anew by {len(known)} teachers"
    )
    yield _note("soft labels", told, largest)


def predictions(tree: Tree, depth: Depth) -> Iterator[Finding]:
    """Yield predictions that the models do not make."""
    found = tree.project.records.get("evaluate")
    if found is None:
        return
    given, compute = found["params"], _compute(found["params"])
    ids = assignment.from_params(given, tree.root / CYCLES).cycles("test")
    rows = _choose(len(ids), depth)
    sample = [ids[row] for row in rows]
    known = teachers.read(given)
    folders = {f"teacher/{name}": tree.root / TEACHERS / name for name in known}
    folders |= {f"student/{seed}": tree.root / STUDENTS / str(seed) for seed in given["student.seeds"]}
    selections = params.parse(list[Selection], given["selections"], "selections")
    settings = params.parse(SoftLabelSettings, given["soft_labels"], "soft_labels")
    ensemble = [f"teacher/{name}" for name in teachers.choose(known, settings, tree.root / TEACHERS)]
    set_up(compute)
    logits = predict_all(
        folders, sample, selections=selections, compute=compute, features_root=tree.root / FEATURE_CACHES
    )
    label_sets = corpus_facts.read_label_sets(tree.root / corpus_facts.FOLDER)
    predictions = _predictions(tree, label_sets[given["labels"]].classes)
    kept = {(part.model, part.selection): part.probabilities[0] for part in predictions}
    largest, allowed = 0.0, _allowed(tree, "evaluate", given)
    made = assemble(logits, ensemble)
    for part in made:
        off = np.abs(part.probabilities[0] - kept[(part.model, part.selection)][rows]).max(axis=1)
        largest = max(largest, float(off.max()))
        for place in np.flatnonzero(~(off <= allowed)):
            where, what = (
                sample[place],
                f"{part.model} ({part.selection}) gives another prediction, by {off[place]:.2g}",
            )
            yield Finding(kind="prediction-contradicts", where=where, what=what, stages=("evaluate",))
    told = f"predictions of {len(sample)} of {len(ids)} test cycles computed anew by {len(made)} models"
    yield _note("predictions", told, largest)


def metrics(tree: Tree) -> Iterator[Finding]:
    """Yield figures of reports/metrics.json, intervals and areas with them, that do not follow from the predictions."""
    found = tree.project.records.get("evaluate")
    if found is None:
        return
    given = found["params"]
    said = json.loads((tree.root / METRICS).read_text(encoding="utf-8"))
    ids = assignment.from_params(given, tree.root / CYCLES).cycles("test")
    facts = corpus_facts.read(tree.root / corpus_facts.FOLDER)
    groups = [group.column for group in facts.group_columns]
    tables = (tree.root / CYCLES, tree.root / RECORDINGS)
    cycles = test_cycles.read(*tables, ids=ids, labels=given["labels"], groups=groups)
    settings = params.parse(EvaluationSettings, given["evaluation"], "evaluation")
    evaluator = Evaluator(cycles, facts.label_sets[given["labels"]].classes, settings, groups=groups)
    predictions = _predictions(tree, evaluator.classes)
    made = flatten(summarize(evaluator, predictions, about(facts, given["labels"], given["split"])), lists=True)
    kept = flatten(said, lists=True)
    for key in [*kept, *(set(made) - set(kept))]:
        if not _equal(kept.get(key, "absent"), made.get(key, "absent")):
            what = f"it says {kept.get(key, 'absent')}; from the predictions follows {made.get(key, 'absent')}"
            yield Finding(kind="metric-contradicts", where=f"{METRICS}: {key}", what=what, stages=("evaluate",))
    yield _note("metrics", f"{len(kept)} figures computed anew from the predictions", None)


def _predictions(tree: Tree, classes: Sequence[str]) -> list[Predictions]:
    table = tree.table(PREDICTIONS).to_pydict()
    probabilities = [table[f"p_{name}"] for name in classes]
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for model, selection, *row in zip(table["model"], table["selection"], *probabilities, strict=True):
        found.setdefault((model, selection), []).append(tuple(row))
    return [Predictions(*key, np.array(rows, dtype=np.float32)[None]) for key, rows in found.items()]


def _vectors(table: pa.Table, column: str) -> Vectors:
    return np.array(table[column].to_pylist(), dtype=np.float32)


def _compute(given: Parameters) -> ComputeSettings:
    return params.parse(ComputeSettings, given["compute"], "compute")


def _choose(count: int, depth: Depth) -> list[int]:
    return sorted(random.Random(depth.seed).sample(range(count), min(depth.sample, count)))


def _allowed(tree: Tree, stage: str, given: Parameters) -> float:
    """Return how far logits or probabilities may be off: where a GPU took part, it may have taken bf16 or TF32."""
    ended = done(tree).get(stage, [])
    on_gpu = bool(ended) and ended[-1].get("cuda") is not None
    rounded = given["compute"]["precision"] == "bf16" or (on_gpu and given["compute"]["precision"] == "auto")
    return ROUNDED if rounded else EXACT


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= FIGURE[max(abs(one), abs(other)) <= 2]
    return bool(one == other)


def _note(where: str, what: str, largest: float | None) -> Finding:
    told = what if largest is None else f"{what}; largest difference {largest:.2g}"
    return Finding(kind="computed-anew", where=where, what=told, severity="note")
