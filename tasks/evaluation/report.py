"""Report of the evaluation: one HTML page without external files, with equal bytes for equal figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from models.metrics import FIGURES
from tasks.evaluation import figures
from tasks.evaluation.domains import Domain
from tasks.evaluation.domains import rows as domain_rows
from tasks.evaluation.gallery import Example
from tasks.evaluation.words import figure, interval, signed, spread
from tasks.runtime import templates
from tasks.runtime.corpus_facts import CorpusFacts, GroupColumn, Published

# The sections of the page: the names of their templates, and their headings.
SECTIONS = {
    "results": "Results",
    "classes": "Results by class",
    "corpora": "Results by corpus",
    "groups": "Results by group",
    "calibration": "Calibration",
    "training": "Training",
    "domains": "Recordings by corpus and device",
    "examples": "Examples",
    "published": "Published figures",
    "reading": "How to read the figures",
}
# The tables of figures by corpus: their key in metrics.json, and their title.
CORPUS_TABLES = (
    ("corpora", "Test side of each training corpus"),
    ("native", "Test side of each training corpus, by its own head in its own classes"),
    ("external", "External corpora"),
)
# The tables of published figures: definition of Se, choice of the epoch, title.
PUBLISHED_TABLES = (
    ("strict", "paper", "Strict, epoch chosen on the test set (paper)"),
    ("strict", "val", "Strict, epoch chosen without the test set"),
    ("lenient", "paper", "Lenient, epoch chosen on the test set (paper)"),
)


@dataclass(frozen=True)
class Plots:
    """The tables behind the plots (`tasks.evaluation.curves`, `tasks.evaluation.ensembles`)."""

    roc: pl.DataFrame
    precision_recall: pl.DataFrame
    training: pl.DataFrame
    ensemble_size: pl.DataFrame


def render(
    metrics: Mapping[str, Any],
    *,
    plots: Plots,
    cards: Mapping[str, Mapping[str, Any]],
    examples: Sequence[Example],
    domains: Sequence[Domain],
    facts: CorpusFacts,
) -> str:
    """Return the page as HTML.

    Args:
        metrics: The mapping that `tasks.evaluation.summary.summarize` returns.
        plots: Curves and histories.
        cards: The contents of each model's ``model.json``.
        examples: The example test cycles.
        domains: Level, duration and spectrum of the recordings by corpus and device.
        facts: Facts of the training corpora, with their group columns and published results.
    """
    student, classes = metrics["student"]["val"], metrics["classes"]
    compared = published_tables(metrics, facts.published)
    by_corpus = corpus_tables(metrics)
    empty = {name for name, found in (("published", compared), ("corpora", by_corpus)) if not found}
    return templates.render(
        __package__,
        "page.html.j2",
        filters={"figure": figure, "signed": signed, "range": partial(interval, to=" to ")},
        metrics=metrics,
        sections={name: title for name, title in SECTIONS.items() if name not in empty},
        headline={selection: headline(metrics, selection) for selection in metrics["selections"]},
        confidence=f"{100 * metrics['interval']['confidence']:g}",
        scores=figures.scores(_rows(metrics, "val"), "Strict and lenient Score of each model, with intervals"),
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
        groups=[group_table(group, student["groups"][group.column]) for group in facts.group_columns],
        training=[
            figures.training(plots.training, "val_score_strict", "strict Score, %", "Score over epochs"),
            figures.training(plots.training, "train_loss", "training loss", "Training loss over epochs"),
        ],
        over_k=figures.over_k(plots.ensemble_size, "Score over the number of teachers that label a cycle")
        if plots.ensemble_size["k"].n_unique() > 1
        else None,
        cards=cards,
        examples=examples,
        published=compared,
        corpora=by_corpus,
        training_corpora=[part.name for part in facts.parts or (facts,)],
        domains=domain_rows(domains),
        spectra=figures.spectra(domains, "Mean feature of each corpus and device over the mel bins"),
    )


def headline(metrics: Mapping[str, Any], selection: str) -> list[dict[str, Any]]:
    """Return the rows of the table of results: name, figures, intervals and calibration."""
    return [{"name": name, "sd": dict.fromkeys(FIGURES), **found} for name, found in _rows(metrics, selection)]


def _rows(metrics: Mapping[str, Any], selection: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return each model's name and figures: student, seeds, ensemble, teachers."""
    student = metrics["student"][selection]
    mean = {name: student[name]["mean"] for name in FIGURES} | {
        key: {name: student[name][key] for name in FIGURES} for key in ("sd", "low", "high")
    }
    seeds = metrics["students"]
    rows: list[tuple[str, Mapping[str, Any]]] = [
        (f"student, mean of {len(seeds)} seeds" if len(seeds) > 1 else "student", student | mean)
    ]
    if len(seeds) > 1:
        rows += [(f"student seed {seed}", found[selection]) for seed, found in seeds.items()]
    if metrics["ensemble"]:
        rows.append(("ensemble of teachers", metrics["ensemble"][selection]))
    return rows + [(f"teacher {name}", found[selection]) for name, found in metrics["teachers"].items()]


def corpus_tables(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of figures by corpus: of training corpora, of their own heads, and of external corpora.

    Each has a title, the rows of the student and the ensemble on each corpus, and a picture.
    """
    tables = []
    for key, title in CORPUS_TABLES:
        found = metrics.get(key, {})
        if not found:
            continue
        rows = {name: {"about": one, "figures": _rows(one, "val")[0][1]} for name, one in found.items()}
        sized = [
            (
                f"{name}  ({row['about']['test']['cycles']} cycles, {row['about']['test']['patients']} pat.)",
                row["figures"],
            )
            for name, row in rows.items()
        ]
        tables.append({"title": title, "rows": rows, "picture": figures.scores(sized, f"Scores: {title.lower()}")})
    return tables


def group_table(group: GroupColumn, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return title, rows and picture of the figures by the values of one group column."""
    rows = {group.values.get(value, value): row for value, row in found.items()}
    sized = [(f"{value}  ({row['cycles']} cycles, {row['patients']} pat.)", row) for value, row in rows.items()]
    return {"title": group.title, "rows": rows, "picture": figures.scores(sized, f"Scores by {group.title.lower()}")}


def confusion(matrix: Sequence[Sequence[int]]) -> list[list[dict[str, Any]]]:
    """Return each cell's count and its share of the row; the share is None if the row is empty."""
    return [[{"n": n, "share": n / sum(row) if sum(row) else None} for n in row] for row in matrix]


def published_tables(metrics: Mapping[str, Any], published: Iterable[Published]) -> list[dict[str, Any]]:
    """Return the tables of published figures of the run's labels and split, with the run's own figures.

    Each definition of Se and each selection of the epoch has a table of its own.
    """
    comparable = [row for row in published if (row.labels, row.split) == (metrics["labels"], metrics["split"])]
    tables = []
    for definition, selection, title in PUBLISHED_TABLES:
        rows = [row for row in comparable if (row.definition, row.selection) == (definition, selection)]
        own = metrics["student"].get(selection)
        score = own and own[f"score_{definition}"]
        student = own and {
            "sp": figure(own["sp"]["mean"], 2),
            "se": figure(own[f"se_{definition}"]["mean"], 2),
            "score": spread(score["mean"], score["sd"], 2),
        }
        tables.append({"title": title, "definition": definition, "own": student, "rows": rows})
    return tables if comparable else []
