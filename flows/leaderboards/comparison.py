"""Finished workspaces as boards: one for each corpus, test set, split, labels, selection and definition of Se."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from flows.leaderboards.recipe_workspaces import Entry
from tasks.evaluation import bootstrap, published
from tasks.evaluation.summary import EvaluationSettings, rounded
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

DEFINITIONS = {
    "strict": "Se strict: an abnormal cycle counts with its exact class",
    "lenient": "Se lenient: an abnormal cycle counts with any abnormal class",
}


@dataclass(frozen=True)
class Result:
    """What the students of one workspace reach.

    Attributes:
        entry: The recipe.
        metrics: All figures, as ``reports/metrics.json`` has them.
        predictions: Those of every seed on the test cycles, as ``data/evaluation/predictions.parquet`` has them.
    """

    entry: Entry
    metrics: Mapping[str, Any]
    predictions: pl.DataFrame
    settings: EvaluationSettings

    @cached_property
    def test_set(self) -> tuple[str, ...]:
        """The test cycles: figures on others are not compared."""
        return tuple(self.predictions["cycle_id"].unique().sort())


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Mean over the seeds, sd over the seeds, and the interval over the test patients; undefined ones are None."""

    mean: float | None
    sd: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """By how many points the mean Score exceeds that of the first recipe, with its paired interval over patients."""

    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recipe on a board; `published` is what its authors report under the same definition and selection."""

    recipe: str
    seeds: tuple[str, ...]
    score: Figure
    sp: Figure
    se: Figure
    minus_first: Difference | None
    published: tuple[published.Published, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Board:
    """Recipes that may be compared.

    Attributes:
        small: Whether these are miniatures.
        without_published: Why no published figures stand beside them; empty where they do.
    """

    corpus: str
    recordings: int
    labels: str
    split: str
    selection: str
    definition: str
    small: bool
    cycles: int
    patients: int
    confidence: float
    without_published: str
    rows: tuple[Row, ...] = field(default_factory=tuple)


def read(root: Path, entry: Entry) -> Result:
    """Return the results of a finished workspace.

    Raises:
        BreathlineError: They are not there.
    """
    workspace = root / entry.folder
    try:
        metrics = json.loads((workspace / "reports" / "metrics.json").read_text(encoding="utf-8"))
        rows = pl.read_parquet(workspace / "data" / "evaluation" / "predictions.parquet")
    except FileNotFoundError as error:
        hint = f"`breathline leaderboard {entry.recipe}` makes them again"
        raise BreathlineError("The results are not there.", where=error.filename, hint=hint) from error
    settings = params.section(params.read(workspace / params.PARAMS), "evaluation")
    return Result(
        entry,
        metrics,
        rows.filter(pl.col("model").str.starts_with("student/")),
        params.parse(EvaluationSettings, settings, "evaluation"),
    )


def boards(results: Sequence[Result]) -> list[Board]:
    """Return a board for every set of results that may be compared, `val` and strict first.

    The differences on a board are to its first recipe.
    """
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in results:
        about = tuple(result.metrics[key] for key in ("corpus", "recordings", "labels", "split"))
        for selection in result.metrics["selections"]:
            for definition in _definitions(result.metrics):
                key = (result.entry.small, about, result.test_set, selection != "val", definition != "strict")
                groups.setdefault(key, []).append(result)
    return [
        _board(groups[key], selection="paper" if key[-2] else "val", definition="lenient" if key[-1] else "strict")
        for key in sorted(groups)
    ]


def counts(predictions: pl.DataFrame, selection: str) -> list[bootstrap.Counts]:
    """Return for each seed the confusion matrix of each test patient, ``(patients, classes, classes)``.

    Args:
        predictions: Of students, as ``data/evaluation/predictions.parquet`` has them.
        selection: Which epoch.
    """
    rows = predictions.filter(pl.col("selection") == selection)
    patients = rows["patient_id"].unique().sort().to_numpy()
    classes = sum(name.startswith("p_") for name in rows.columns)
    return [
        bootstrap.counts(
            seed["label"].to_numpy(),
            seed["predicted"].to_numpy()[None],
            np.searchsorted(patients, seed["patient_id"].to_numpy()),
            size=len(patients),
            classes=classes,
        )
        for _, seed in sorted(rows.group_by("model"), key=lambda part: str(part[0]))
    ]


def _definitions(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield "strict"
    if len(metrics["classes"]) > 2:  # with one abnormal class the two are one
        yield "lenient"


def _board(members: Sequence[Result], *, selection: str, definition: str) -> Board:
    first = members[0]
    why = _without_published(first, selection, definition)
    settings = first.settings
    reference = counts(first.predictions, selection)
    weights = bootstrap.draw(len(reference[0]), resamples=settings.resamples, seed=settings.seed)
    rows = []
    for result in members:
        found = result.metrics["student"][selection]
        score = Figure(**found[f"score_{definition}"])
        minus = None
        if result is not first:
            other = counts(result.predictions, selection)
            both = bootstrap.difference(weights, other, reference, settings.confidence)[f"score_{definition}"]
            if score.low is None:  # too few patients: an interval would look sure of nothing
                both |= {"low": math.nan, "high": math.nan}
            minus = Difference(**{name: rounded(value) for name, value in both.items()})
        rows.append(
            Row(
                recipe=result.entry.recipe,
                seeds=tuple(result.metrics["students"]),
                score=score,
                sp=Figure(**found["sp"]),
                se=Figure(**found[f"se_{definition}"]),
                minus_first=minus,
                published=() if why else published.of(result.entry.recipe, definition, selection),
            )
        )
    return Board(
        **{key: first.metrics[key] for key in ("corpus", "recordings", "labels", "split")},
        selection=selection,
        definition=definition,
        small=first.entry.small,
        cycles=first.metrics["test"]["cycles"],
        patients=first.metrics["test"]["patients"],
        confidence=settings.confidence,
        without_published=why,
        rows=tuple(rows),
    )


def _without_published(result: Result, selection: str, definition: str) -> str:
    """Return why no published figures can stand beside a result; nothing where they can."""
    metrics = result.metrics
    if result.entry.small:
        return "these are miniatures of the recipes"
    if metrics["corpus"] != "icbhi":
        return "they hold for the complete ICBHI 2017 database alone"
    if (metrics["labels"], metrics["split"]) != ("lungsound_4", "official"):
        return "they hold for lungsound_4 on the official split alone"
    if not published.TABLES.get((definition, selection)):
        return f"none has this definition ({definition}) with an epoch chosen like this ({selection})"
    return ""
