"""The report: one page that needs nothing but itself, with the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from tasks.evaluation import figures, published
from tasks.evaluation.bootstrap import FIGURES
from tasks.evaluation.gallery import Example

TEMPLATE = Path(__file__).with_name("report.html.j2")
COMPLETE = 920  # recordings of ICBHI 2017
MISSING = "–"
GROUP_NAMES = {"device": "Device", "chest_location": "Chest location", "age_group": "Age", "sex": "Sex"}
VALUE_NAMES = {
    "Tc": "trachea",
    "Al": "anterior left",
    "Ar": "anterior right",
    "Pl": "posterior left",
    "Pr": "posterior right",
    "Ll": "lateral left",
    "Lr": "lateral right",
    "F": "female",
    "M": "male",
}
BANNERS = {
    "demo": "Generated demo corpus: the figures say nothing about real lungs.",
    "icbhi-part": "A part of ICBHI 2017 ({recordings} of 920 recordings): not comparable with published scores.",
    "icbhi": "The complete ICBHI 2017 database.",
}


@dataclass(frozen=True)
class Plots:
    """The tables that are plotted (`tasks.evaluation.curves`, `tasks.evaluation.ensembles`)."""

    roc: pl.DataFrame
    precision_recall: pl.DataFrame
    training: pl.DataFrame
    ensemble_size: pl.DataFrame


def render(
    metrics: Mapping[str, Any], *, plots: Plots, cards: Mapping[str, Mapping[str, Any]], examples: Sequence[Example]
) -> str:
    """Return the page as HTML.

    Args:
        metrics: What `tasks.evaluation.summary.summarize` returns.
        plots: Curves and histories.
        cards: Each model's ``model.json``.
        examples: Test cycles to show.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"figure": figure, "signed": signed, "range": interval}
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    student = metrics["student"]["val"]
    classes = metrics["classes"]
    return template.render(
        metrics=metrics,
        banner=BANNERS[metrics["corpus"]].format(recordings=metrics["recordings"]),
        headline={selection: headline(metrics, selection) for selection in metrics["selections"]},
        confidence=f"{100 * metrics['interval']['confidence']:g}",
        scores=figures.scores(_named(metrics, "val"), "Strict and lenient Score of each model, with intervals"),
        student=student,
        confusion=confusion(student["confusion"]),
        roc=figures.curve(
            plots.roc,
            "student",
            classes,
            {name: f"(area {figure(row['auroc'], 2)})" for name, row in student["per_class"].items()},
            "ROC curve of each class against the rest",
        ),
        precision_recall=figures.curve(
            plots.precision_recall,
            "student",
            classes,
            {name: f"(AP {figure(row['average_precision'], 2)})" for name, row in student["per_class"].items()},
            "Precision over recall of each class against the rest",
        ),
        reliability=figures.reliability(student["calibration"]["bins"], "Accuracy over confidence"),
        groups=groups(student["groups"]),
        training=[
            figures.training(plots.training, "val_score_strict", "strict Score, %", "Score over epochs"),
            figures.training(plots.training, "train_loss", "training loss", "Training loss over epochs"),
        ],
        over_k=figures.over_k(plots.ensemble_size, "Score over the number of teachers that label a cycle")
        if plots.ensemble_size["k"].n_unique() > 1
        else None,
        cards=cards,
        examples=examples,
        published=beside(metrics),
    )


def headline(metrics: Mapping[str, Any], selection: str) -> list[dict[str, Any]]:
    """Return the rows of the table of results: name, kind, figures, intervals and calibration."""
    return [
        {"name": name, "kind": name.split()[0], "sd": dict.fromkeys(FIGURES), **judged}
        for name, judged in _named(metrics, selection)
    ]


def _named(metrics: Mapping[str, Any], selection: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return each model's name and figures: the student over its seeds, then its seeds, the ensemble, the teachers."""
    over = metrics["student"][selection]
    mean = {name: over[name]["mean"] for name in FIGURES} | {
        key: {name: over[name][key] for name in FIGURES} for key in ("sd", "low", "high")
    }
    seeds = metrics["students"]
    rows: list[tuple[str, Mapping[str, Any]]] = [
        (f"student, mean of {len(seeds)} seeds" if len(seeds) > 1 else "student", over | mean)
    ]
    if len(seeds) > 1:
        rows += [(f"student seed {seed}", judged[selection]) for seed, judged in seeds.items()]
    if metrics["ensemble"]:
        rows.append(("ensemble of teachers", metrics["ensemble"][selection]))
    return rows + [(f"teacher {name}", judged[selection]) for name, judged in metrics["teachers"].items()]


def groups(judged: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return title, rows and picture of each kind of group, its values in words."""
    shown = []
    for group, values in judged.items():
        rows = {VALUE_NAMES.get(value, value): row for value, row in values.items()}
        sized = [(f"{value}  ({row['cycles']} cycles, {row['patients']} pat.)", row) for value, row in rows.items()]
        title = GROUP_NAMES[group]
        shown.append({"title": title, "rows": rows, "picture": figures.scores(sized, f"Scores by {title.lower()}")})
    return shown


def confusion(matrix: Sequence[Sequence[int]]) -> list[list[dict[str, Any]]]:
    """Return each cell's count and its share of the row; the share is None where a row is empty."""
    return [[{"n": n, "share": n / sum(row) if sum(row) else None} for n in row] for row in matrix]


def beside(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of published figures, each with this run's figures of the same kind on top.

    There are none unless this is the complete database, its official split, and its four lung sounds.
    """
    if (metrics["corpus"], metrics["split"], metrics["labels"]) != ("icbhi", "official", "lungsound_4"):
        return []
    kinds = (
        ("strict", "paper", "Strict, epoch chosen on the test set (paper)", published.STRICT_PAPER),
        ("strict", "val", "Strict, test set touched once", published.STRICT_HONEST),
        ("lenient", "paper", "Lenient, epoch chosen on the test set (paper)", published.LENIENT_PAPER),
    )
    tables = []
    for definition, selection, title, rows in kinds:
        own = metrics["student"].get(selection)
        mine = own and published.Published(
            "this run, student",
            figure(own["sp"]["mean"], 2),
            figure(own[f"se_{definition}"]["mean"], 2),
            spread(own[f"score_{definition}"], 2),
        )
        tables.append({"title": title, "definition": definition, "mine": mine, "rows": rows})
    return tables


def figure(value: float | None, digits: int = 1) -> str:
    """Return a figure as text, a dash for what is not defined."""
    return MISSING if value is None else f"{value:.{digits}f}"


def spread(value: Mapping[str, float | None], digits: int = 1) -> str:
    """Return a figure over seeds as text: its mean and, of several seeds, its standard deviation."""
    sd = value["sd"]
    return figure(value["mean"], digits) + ("" if sd is None else f" ± {figure(sd, digits)}")


def signed(value: float | None) -> str:
    """Return a difference as text, with its sign."""
    return MISSING if value is None else f"{value:+.1f}".replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """Return an interval as text."""
    return MISSING if low is None or high is None else f"{low:.1f} to {high:.1f}"
