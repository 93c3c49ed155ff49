"""Consistency checks of soft labels, predictions and metrics."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding
from models.metrics import confusion, figures
from tasks.artifacts import CYCLES, METRICS, PREDICTIONS, SCORES, SOFT_LABELS
from tasks.evaluation.summary import rounded

SUM_TOLERANCE = 1e-4  # of the sum of a prediction's float32 probabilities
EVALUATE = ("evaluate",)

Counts = npt.NDArray[np.int64]


def predictions(audited: AuditedProject) -> Iterator[Finding]:
    """Yield predictions of other cycles or models than the record has, and impossible ones."""
    found = audited.project.records.get("evaluate")
    if found is None or not (audited.root / PREDICTIONS).is_file():
        return
    table = audited.table(PREDICTIONS)
    labels = found["params"]["labels"]
    test = audited.assignment("evaluate").cycles("test")
    cycles = audited.table(CYCLES)
    truth = dict(zip(cycles["cycle_id"].to_pylist(), cycles[labels].to_pylist(), strict=True))
    wanted = {f"student/{seed}" for seed in found["params"]["student.seeds"]}
    wanted |= {f"teacher/{name}" for name in found["params"]["teachers"]}
    models = set(table["model"].to_pylist())
    if models - {"ensemble"} != wanted:
        names = ", ".join(sorted((models - {"ensemble"}) ^ wanted))
        yield _fault(PREDICTIONS, f"not of the models in params.yaml: {names}")
    for model, selection, part in _parts(table):
        where = f"{PREDICTIONS}: {model} {selection}"
        ids = part["cycle_id"].to_pylist()
        if ids != test:
            yield _fault(
                where, f"{len(set(ids) ^ set(test)) or 'the order of'} cycles are not those of the test subset"
            )
            continue
        said = part["label"].to_pylist()
        wrong = [cycle for cycle, label in zip(ids, said, strict=True) if truth[cycle] != label]
        if wrong:
            yield _fault(where, f"{len(wrong)} labels are not those of the table of cycles: {wrong[0]}")
        probabilities = _probabilities(part, found["decisions"]["classes"])
        off = np.flatnonzero(np.abs(probabilities.sum(axis=1) - 1) > SUM_TOLERANCE)
        if len(off):
            yield _fault(where, f"{len(off)} predictions do not sum to 1: {ids[off[0]]}")
        other = np.flatnonzero(probabilities.argmax(axis=1) != part["predicted"].to_numpy())
        if len(other):
            yield _fault(where, f"{len(other)} predicted classes are not the most probable ones: {ids[other[0]]}")


def soft_labels(audited: AuditedProject) -> Iterator[Finding]:
    """Yield soft labels of other cycles or teachers than the record has."""
    found = audited.project.records.get("soft_labels")
    if found is None or not (audited.root / SOFT_LABELS).is_file():
        return
    table = audited.table(SOFT_LABELS)
    stages = ("soft_labels",)
    teachers = {name.removeprefix("logits.") for name in table.column_names if name.startswith("logits.")}
    if teachers != set(found["params"]["teachers"]):
        what = f"not of the teachers in params.yaml: {', '.join(sorted(teachers ^ set(found['params']['teachers'])))}"
        yield Finding("soft-label-contradicts", str(SOFT_LABELS), what, stages)
    if not teachers:
        return
    wanted = audited.assignment("soft_labels").cycles("train", "val")
    differing = sorted(set(wanted) ^ set(table["cycle_id"].to_pylist()))
    if differing:
        what = f"{len(differing)} cycles have a soft label and are not in train or val, or vice versa: {differing[0]}"
        yield Finding("soft-label-contradicts", str(SOFT_LABELS), what, stages)


def metrics(audited: AuditedProject) -> Iterator[Finding]:
    """Yield Scores, counts and recalls that the predictions do not give; `--deep` recomputes all other figures."""
    found = audited.project.records.get("evaluate")
    if found is None or not all((audited.root / path).is_file() for path in (PREDICTIONS, METRICS, SCORES)):
        return
    said, classes = audited.json(METRICS), found["decisions"]["classes"]
    pooled: dict[str, Counts] = {}
    for model, selection, part in _parts(audited.table(PREDICTIONS)):
        counts = confusion(part["label"].to_numpy(), part["predicted"].to_numpy(), len(classes))
        group, _, item = model.partition("/")
        figures = said["ensemble"] if model == "ensemble" else said[f"{group}s"][item]
        place = f"{METRICS}: {f'{group}s.{item}' if item else group}.{selection}"
        yield from _compare(place, figures[selection], counts)
        for index, name in enumerate(classes):
            recall = said_recall = figures[selection]["per_class"][name]["recall"]
            if counts[index].sum():
                recall = round(float(100 * counts[index, index] / counts[index].sum()), 2)
            if said_recall != recall:
                yield _wrong(f"{place}.per_class.{name}.recall", said_recall, recall)
        if group == "student":
            pooled[selection] = pooled.get(selection, np.zeros_like(counts)) + counts
    short = audited.json(SCORES)
    for selection, counts in pooled.items():
        for name, mean in _figures(counts).items():
            for where, given in (
                (f"{METRICS}: student.{selection}.{name}.mean", said["student"][selection][name]["mean"]),
                (f"{SCORES}: {selection}.student.{name}", short[selection]["student"][name]),
            ):
                if given != mean:
                    yield _wrong(where, given, mean)


def _compare(where: str, said: Mapping[str, Any], counts: Counts) -> Iterator[Finding]:
    if said["confusion"] != counts.tolist():
        yield _wrong(f"{where}.confusion", said["confusion"], counts.tolist())
    for name, value in _figures(counts).items():
        if said[name] != value:
            yield _wrong(f"{where}.{name}", said[name], value)


def _parts(table: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
    keys = table.group_by(["model", "selection"]).aggregate([]).to_pylist()
    for key in sorted((row["model"], row["selection"]) for row in keys):
        rows = pc.and_(pc.equal(table["model"], key[0]), pc.equal(table["selection"], key[1]))
        yield *key, table.filter(rows)


def _probabilities(part: pa.Table, classes: Sequence[str]) -> npt.NDArray[np.float64]:
    return np.stack([part[f"p_{name}"].to_numpy() for name in classes], axis=1).astype(np.float64)


def _figures(counts: Counts) -> dict[str, float | None]:
    """Return Scores, Sp and Se in percent with two decimals, as `evaluate` writes them; None if undefined."""
    return {name: rounded(value) for name, value in figures(counts).items()}


def _fault(where: object, what: str) -> Finding:
    return Finding("prediction-contradicts", str(where), what, EVALUATE)


def _wrong(where: str, said: Any, computed: Any) -> Finding:
    return Finding("metric-contradicts", where, f"it says {said}; the predictions give {computed}", EVALUATE)
