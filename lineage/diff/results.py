"""Differences in metrics and predictions between two runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lineage.corpora import SEPARATOR
from lineage.diff.changes import Changes, between
from lineage.diff.runs import Run
from models.metrics import FIGURES
from tasks import artifacts
from tasks.runtime.params import flatten

METRICS, PREDICTIONS = artifacts.METRICS.as_posix(), artifacts.PREDICTIONS.as_posix()
EXTERNAL = artifacts.EXTERNAL_PREDICTIONS.as_posix()
MODELS = ("student", "ensemble", "students", "teachers")
FLAG = "degenerate"
COMPARED = (FLAG, *FIGURES, "per_class", "confusion")
COLUMNS = ["model", "selection", "cycle_id", "label", "predicted"]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """Prediction whose class differs between two runs; classes are given by name."""

    model: str  # name of the model, such as `student/1`
    selection: str  # selection of the model's epoch
    cycle_id: str
    label: str
    old: str  # class that the first run predicts
    new: str  # class that the second run predicts
    effect: str  # `mended`, `broken`, or `still wrong`


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Differences between the predictions of two runs."""

    compared: int  # number of predictions, by model, selection and cycle, that both runs have
    only_old: int  # number of predictions that only the first run has
    only_new: int  # number of predictions that only the second run has
    relabelled: tuple[str, ...]  # cycles whose annotated class differs
    flips: tuple[Flip, ...]  # predictions whose class differs, by model, selection and cycle


def figures(old: Run, new: Run) -> Changes:
    """Return the changes of each model's scores and per-class figures, by dotted key.

    The student precedes the other models, and scores precede figures of classes. Figures of patient groups and of
    calibration are not compared.
    """
    first, second = (_figures(run.json(METRICS)) for run in (old, new))
    found = between(first, second)
    return replace(found, changed={key: found.changed[key] for key in first if key in found.changed})


def predictions(old: Run, new: Run) -> Predictions | str:
    """Return the flipped predictions, or the reason why the runs cannot be compared by cycle.

    The ids of cycles of external corpora have the name of their corpus before them.
    """
    import polars as pl  # slow, and no trace needs it

    metrics = [run.json(METRICS) for run in (old, new)]
    tables = [run.table(PREDICTIONS, COLUMNS) for run in (old, new)]
    for run, table, found in zip((old, new), tables, metrics, strict=True):
        if table is None or not found:
            return f"{run.name} has no predictions."
    classes = [found["classes"] for found in metrics]
    if classes[0] != classes[1]:
        return f"The classes differ: {', '.join(classes[0])} and {', '.join(classes[1])}."
    keys = ["model", "selection", "cycle_id"]
    named_corpus = pl.concat_str("corpus", "cycle_id", separator=SEPARATOR).alias("cycle_id")
    frames = []
    for run, table in zip((old, new), tables, strict=True):
        external = run.table(EXTERNAL, [*COLUMNS, "corpus"])
        parts = [] if external is None else [pl.DataFrame(external).with_columns(named_corpus).select(COLUMNS)]
        frames.append(pl.concat([pl.DataFrame(table).select(COLUMNS), *parts]))
    first, second = frames
    shared = first.join(second, on=keys, suffix="_new").sort(keys)
    mended, broken = pl.col("predicted_new") == pl.col("label_new"), pl.col("predicted") == pl.col("label")
    effect = pl.when(mended).then(pl.lit("mended")).when(broken).then(pl.lit("broken")).otherwise(pl.lit("still wrong"))
    columns = {"label": "label_new", "old": "predicted", "new": "predicted_new"}
    named = {name: pl.col(column).replace_strict(dict(enumerate(classes[0]))) for name, column in columns.items()}
    flipped = shared.filter(pl.col("predicted") != pl.col("predicted_new")).select(*keys, effect=effect, **named)
    relabelled = shared.filter(pl.col("label") != pl.col("label_new"))["cycle_id"].unique().sort()
    return Predictions(
        compared=len(shared),
        only_old=len(first) - len(shared),
        only_new=len(second) - len(shared),
        relabelled=tuple(relabelled),
        flips=tuple(Flip(**row) for row in flipped.to_dicts()),
    )


def degenerate(run: Run) -> dict[str, str]:
    """Return how models of a run are degenerate, such as ``always normal``, by the dotted key of the model."""
    found = _figures(run.json(METRICS))
    return {key.removesuffix(f".{FLAG}"): flag for key, flag in found.items() if key.endswith(f".{FLAG}") and flag}


def _figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compared figures of all models by dotted key, followed by those of each corpus."""
    found: dict[str, Any] = {}
    parts = {"": metrics}
    for section in ("corpora", "native", "external"):
        parts |= {f"{section}.{corpus}.": own for corpus, own in (metrics.get(section) or {}).items()}
    for section, own in parts.items():
        for model in MODELS:
            for path, figures in _leaves(own.get(model) or {}, f"{section}{model}"):
                for name in COMPARED:
                    if name in figures:
                        found |= flatten(figures[name], f"{path}.{name}")
    return found


def _leaves(value: Mapping[str, Any], path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the mappings that hold scores, with their dotted keys."""
    if "score_strict" in value:
        return [(path, value)]
    return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{path}.{key}")]
