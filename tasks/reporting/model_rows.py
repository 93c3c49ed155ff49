"""Rows of tables and figures that have one row for each model."""

from collections.abc import Mapping
from typing import Any

from models.metrics import FIGURES
from tasks.evaluation.words import DEGENERATE
from tasks.runtime.params import natural


def rows(metrics: Mapping[str, Any], selection: str) -> list[dict[str, Any]]:
    """Return the rows of the table of results: name, figures, intervals and calibration."""
    return [{"name": name, "sd": dict.fromkeys(FIGURES), **found} for name, found in of_selection(metrics, selection)]


def of_selection(metrics: Mapping[str, Any], selection: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return each model's name and figures as `named`; the names of degenerate models have that word."""
    return [(marked(name, found["degenerate"]), found) for name, found in named(metrics, selection)]


def named(metrics: Mapping[str, Any], selection: str, *, seeds: bool = True) -> list[tuple[str, Mapping[str, Any]]]:
    """Return each model's name and figures: student, seeds, baselines, ensemble, teachers that label, and the others.

    Args:
        metrics: Contents of ``reports/metrics.json``.
        selection: Selection of the epochs.
        seeds: Whether each of several seeds of the student has a row.
    """
    student = metrics["student"][selection]
    mean = {name: student[name]["mean"] for name in FIGURES} | {
        key: {name: student[name][key] for name in FIGURES} for key in ("sd", "low", "high")
    }
    students = metrics["students"]
    rows: list[tuple[str, Mapping[str, Any]]] = [
        (f"student, mean of {len(students)} seeds" if len(students) > 1 else "student", student | mean)
    ]
    if len(students) > 1 and seeds:
        rows += [(f"student seed {seed}", students[seed][selection]) for seed in sorted(students, key=natural)]
    rows += [(f"baseline {name}", metrics["teachers"][name][selection]) for name in metrics["baselines"]]
    if metrics["ensemble"]:
        rows.append(("ensemble of teachers", metrics["ensemble"][selection]))
    labelling = metrics["labelling"]
    others = sorted(metrics["teachers"].keys() - {*labelling, *metrics["baselines"]}, key=natural)
    names = {name: f"teacher {name}" for name in labelling}
    names |= {name: f"teacher {name}, labels nothing" for name in others}
    return rows + [(words, metrics["teachers"][name][selection]) for name, words in names.items()]


def marked(name: str, degenerate: str | None) -> str:
    """Return a name with the word degenerate, if a model of the row is; `of_degenerate` says how."""
    return f"{name} (degenerate)" if degenerate else name


def of_degenerate(metrics: Mapping[str, Any], selection: str) -> list[str]:
    """Return a sentence with each degenerate network and its kind, and one with the meaning; nothing if none is.

    Args:
        metrics: Contents of ``reports/metrics.json``.
        selection: Selection of the epochs, which is named unless it is `val`.
    """
    students = metrics["students"]
    models = {f"student seed {seed}": students[seed] for seed in sorted(students, key=natural)}
    models |= {"ensemble of teachers": metrics["ensemble"]} if metrics["ensemble"] else {}
    groups = dict.fromkeys(metrics["teachers"], "teacher") | dict.fromkeys(metrics["baselines"], "baseline")
    models |= {f"{groups[name]} {name}": found for name, found in metrics["teachers"].items()}
    kinds = [f"{name}: {kind}" for name, found in models.items() if (kind := found[selection]["degenerate"])]
    which = "" if selection == "val" else f" ({selection})"
    return [f"Degenerate{which}: {'; '.join(kinds)}. It means that {DEGENERATE}."] if kinds else []
