"""Section of the results: both Scores of every model with intervals, and the student against its teachers."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.ticker import MaxNLocator

from tasks.evaluation.intervals import MIN_PATIENTS
from tasks.evaluation.words import compared_with, of_two_seeds
from tasks.reporting.figures import CHANCE, DASHED, LENIENT, STRICT, scores
from tasks.reporting.model_rows import of_degenerate, of_selection, rows
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.reporting.svg import INK, drawing, of_both_widths


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    over_k = run.plots["ensemble_size"]
    several = over_k["k"].n_unique() > 1
    return {
        "student": run.metrics["student"]["val"],
        "two_seeds": of_two_seeds([len(run.metrics["students"])]),
        "headline": {selection: rows(run.metrics, selection) for selection in run.metrics["selections"]},
        "scores": scores(of_selection(run.metrics, "val"), "Strict and lenient Score of each model, with intervals"),
        "over_k": _over_k(over_k) if several else None,
        "folds": _folds(over_k) if several else 1,
        "degenerate": [note for name in run.metrics["selections"] for note in of_degenerate(run.metrics, name)],
        "least": MIN_PATIENTS,
        "compared": compared_with(run.metrics["labelling"], run.metrics["baselines"]),
    }


def _folds(table: pl.DataFrame) -> int:
    """Return the number of folds whose teachers an ensemble joins; 1 for teachers of all training cycles."""
    return int((table["networks"] // table["k"]).max())  # type: ignore[arg-type]


def _over_k(table: pl.DataFrame) -> str:
    """Return both Scores of teacher ensembles over the number of teachers k, with their intervals as bands."""
    return of_both_widths(lambda width: _over_k_of(table, width))


def _over_k_of(table: pl.DataFrame, width: float) -> str:
    """Return the figure of `_over_k` in one width."""
    with drawing(width, 3.9, "Score over the number of teachers that label a cycle") as canvas:
        axes = canvas.axes
        axes.axhline(CHANCE, **DASHED)
        for name, colour in (("score_strict", STRICT), ("score_lenient", LENIENT)):
            part = table.filter(pl.col("figure") == name)
            axes.fill_between(part["k"], part["low"], part["high"], color=colour, alpha=0.15, linewidth=0)
            axes.plot(part["k"], part["value"], "o-", color=colour, label=name.removeprefix("score_"))
        axes.set(xlabel="k, teachers that label a cycle", ylabel="Score, %")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(labelcolor=INK)
    return canvas.svg


SECTION = Section(title="Results", order=100, content=content)
