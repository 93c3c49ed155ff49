"""Consistency checks of soft labels, predictions and metrics."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding
from models.metrics import confusion, figures
from tasks.artifacts import CYCLES, EXTERNAL_PREDICTIONS, METRICS, PREDICTIONS, SCORES, SOFT_LABELS
from tasks.evaluation import degeneracy
from tasks.evaluation.rounding import rounded

SUM_TOLERANCE = 1e-4  # of the sum of a prediction's float32 probabilities
EVALUATE = ("evaluate",)

Counts = npt.NDArray[np.int64]


def predictions(audited: AuditedProject) -> Iterator[Finding]:
    """Yield predictions of other cycles or models than the record has, and impossible ones."""
    found = audited.project.records.get("evaluate")
    if found is not None and (audited.root / PREDICTIONS).is_file():
        test = audited.assignment("evaluate").cycles("test")
        yield from _predictions(audited, found, audited.table(PREDICTIONS), test, cycles=CYCLES, where=str(PREDICTIONS))


def external_predictions(audited: AuditedProject) -> Iterator[Finding]:
    """Yield predictions on external corpora of other corpora, cycles or models than tables and record have."""
    found = audited.project.records.get("evaluate")
    if found is None or not (audited.root / EXTERNAL_PREDICTIONS).is_file():
        return
    table, tested = audited.table(EXTERNAL_PREDICTIONS), audited.tested(found["params"]["labels"])
    others = set(table["corpus"].to_pylist()) ^ {corpus.name for corpus in tested}
    if others:
        yield _fault(EXTERNAL_PREDICTIONS, f"not of the external corpora: {', '.join(sorted(others))}")
    for corpus, test in tested.items():
        part = table.filter(pc.equal(table["corpus"], corpus.name))
        where = f"{EXTERNAL_PREDICTIONS}: {corpus.name}"
        yield from _predictions(audited, found, part, test, cycles=corpus.tables / CYCLES.name, where=where)


def _predictions(
    audited: AuditedProject, found: Mapping[str, Any], table: pa.Table, test: list[str], *, cycles: Path, where: str
) -> Iterator[Finding]:
    """Yield the faults of predictions.

    Args:
        audited: The project.
        found: Record of `evaluate`.
        table: Table of predictions of all models.
        test: Sorted ids of the test cycles.
        cycles: Path of the table of these cycles.
        where: Name of the table, for findings.
    """
    labels, annotated = found["params"]["labels"], audited.table(cycles)
    truth = dict(zip(annotated["cycle_id"].to_pylist(), annotated[labels].to_pylist(), strict=True))
    wanted = {f"student/{seed}" for seed in found["params"]["student.seeds"]}
    wanted |= {f"teacher/{name}" for name in found["params"]["teachers"]}
    models = set(table["model"].to_pylist())
    if models - {"ensemble"} != wanted:
        names = ", ".join(sorted((models - {"ensemble"}) ^ wanted))
        yield _fault(where, f"not of the models in params.yaml: {names}")
    rules = audited.decision_rules()
    for model, selection, part in _parts(table):
        place = f"{where}: {model} {selection}"
        ids = part["cycle_id"].to_pylist()
        if ids != test:
            number = len(set(ids) ^ set(test)) or "the order of"
            yield _fault(place, f"{number} cycles are not those of the test subset")
            continue
        said = part["label"].to_pylist()
        wrong = [cycle for cycle, label in zip(ids, said, strict=True) if truth[cycle] != label]
        if wrong:
            yield _fault(place, f"{len(wrong)} labels are not those of the table of cycles: {wrong[0]}")
        probabilities = _probabilities(part, found["decisions"]["classes"])
        off = np.flatnonzero(np.abs(probabilities.sum(axis=1) - 1) > SUM_TOLERANCE)
        if len(off):
            yield _fault(place, f"{len(off)} predictions do not sum to 1: {ids[off[0]]}")
        if (model, selection) not in rules:
            continue
        given = rules[model, selection].predict(probabilities)
        other = np.flatnonzero(given != part["predicted"].to_numpy())
        if len(other):
            what = f"{len(other)} predicted classes are not those of the decision rule in the model card: "
            yield _fault(place, what + ids[other[0]])


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
    """Yield Scores, counts and recalls that the predictions do not give; `--deep` recomputes all other figures.

    Figures of each training corpus and of each external corpus are compared as well.
    """
    found = audited.project.records.get("evaluate")
    if found is None or not all((audited.root / path).is_file() for path in (PREDICTIONS, METRICS, SCORES)):
        return
    said, classes = audited.json(METRICS), found["decisions"]["classes"]
    short, table = audited.json(SCORES), audited.table(PREDICTIONS)
    yield from _metrics(table, said, classes, short)
    for corpus, own in said.get("corpora", {}).items():
        part = table.filter(pc.equal(table["corpus"], corpus))
        yield from _metrics(part, own, classes, section=f"corpora.{corpus}.")
    if said.get("external"):
        external = audited.table(EXTERNAL_PREDICTIONS)
        for corpus, own in said["external"].items():
            part, scores = external.filter(pc.equal(external["corpus"], corpus)), short["external"][corpus]
            yield from _metrics(part, own, classes, scores, section=f"external.{corpus}.")


def _metrics(
    table: pa.Table,
    said: Mapping[str, Any],
    classes: Sequence[str],
    short: Mapping[str, Any] | None = None,
    *,
    section: str = "",
) -> Iterator[Finding]:
    """Yield the figures that predictions do not give.

    Args:
        table: Table of the predictions.
        said: The figures.
        classes: Names of the classes.
        short: The figures in scores.json; None if it has none of them.
        section: Key of the figures in the metrics, with a dot after it.
    """
    pooled: dict[str, Counts] = {}
    for model, selection, part in _parts(table):
        counts = confusion(part["label"].to_numpy(), part["predicted"].to_numpy(), len(classes))
        group, _, item = model.partition("/")
        figures = said["ensemble"] if model == "ensemble" else said[f"{group}s"][item]
        place = f"{METRICS}: {section}{f'{group}s.{item}' if item else group}.{selection}"
        yield from _compare(place, figures[selection], counts)
        said_kind, kind = figures[selection].get("degenerate"), degeneracy.kind(counts, classes)
        if said_kind != kind:
            yield _wrong(f"{place}.degenerate", said_kind, kind)
        for index, name in enumerate(classes):
            recall = said_recall = figures[selection]["per_class"][name]["recall"]
            if counts[index].sum():
                recall = round(float(100 * counts[index, index] / counts[index].sum()), 2)
            if said_recall != recall:
                yield _wrong(f"{place}.per_class.{name}.recall", said_recall, recall)
        if group == "student":
            pooled[selection] = pooled.get(selection, np.zeros_like(counts)) + counts
    for selection, counts in pooled.items():
        for name, mean in _figures(counts).items():
            given = [(f"{METRICS}: {section}student.{selection}.{name}.mean", said["student"][selection][name]["mean"])]
            if short is not None:
                given.append((f"{SCORES}: {section}{selection}.student.{name}", short[selection]["student"][name]))
            for where, value in given:
                if value != mean:
                    yield _wrong(where, value, mean)


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
