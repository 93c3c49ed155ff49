"""Scores of a run as Markdown, compared with the scores before the run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.publish import markdown
from tasks import artifacts
from tasks.evaluation.words import flagged
from tasks.runtime.params import flatten

MEASURED, DEGENERATE = "measured", "degenerate"  # entries of the scores that are no figure
FIGURES = {
    "score_strict": "**Score, strict**",
    "score_lenient": "Score, lenient",
    "sp": "Sp",
    "se_strict": "Se, strict",
    "se_lenient": "Se, lenient",
}


def read(root: Path) -> dict[str, Any] | None:
    """Return the scores in percent by `<selection>.<model>.<figure>`, or None if there are none.

    Those on an external corpus have `external.<corpus>.` before them. The entry `measured` names test cycles, corpus,
    labels and split: only equal ones are compared. The entry `degenerate` has the degenerate models, with their kind.
    """
    scores, metrics = flatten(_json(root / artifacts.SCORES)), read_metrics(root)
    if not scores:
        return None
    flags = {model: flag for model in _models(scores) if (flag := degenerate(metrics, model))}
    return scores | {MEASURED: measured(metrics), DEGENERATE: flags}


def parts(model: str) -> tuple[str | None, str, str]:
    """Return external corpus (None for training corpora), selection and kind of a model, such as ``val.student``."""
    *before, selection, kind = model.split(".")
    return before[-1] if before else None, selection, kind


def read_metrics(root: Path) -> dict[str, Any]:
    """Return the metrics of the evaluation; an empty mapping where there are none."""
    return _json(root / artifacts.METRICS)


def headline(now: Mapping[str, Any], before: Mapping[str, Any] | None, metrics: Mapping[str, Any]) -> str:
    """Return the strict and lenient Score of the student, their changes, and whether it is or was degenerate."""
    old = _comparable(now, before)
    model = next(iter(_models(now)))
    values = []
    for figure, word in (("score_strict", "strict"), ("score_lenient", "lenient")):
        moved = change(now[f"{model}.{figure}"], old.get(f"{model}.{figure}"))
        values.append(f"{_number(now[f'{model}.{figure}'])} {word}" + (f" ({moved})" if moved else ""))
    flags = {"Degenerate": degenerate(metrics, model), "Degenerate before": old.get(DEGENERATE, {}).get(model)}
    said = "".join(f" {word}: {flag}." for word, flag in flags.items() if flag)
    return f"Score of {_name(model)}: {', '.join(values)}.{said}"


def show(now: Mapping[str, Any], before: Mapping[str, Any] | None, metrics: Mapping[str, Any]) -> str:
    """Return a table of the figures: value, interval of the metrics, and change since the scores before the run."""
    old = _comparable(now, before)
    parts = [f"In percent{now[MEASURED] and f', on {now[MEASURED]}'}.{_since(now, before)}"]
    interval = [f"{100 * metrics['interval']['confidence']:g} % interval"] if metrics else []
    header = ["model", "figure", "now", *interval, "before", "change"]
    rows = []
    for model, figures in _models(now).items():
        name = flagged(_name(model), degenerate(metrics, model))
        for figure, value in figures.items():
            then = old.get(f"{model}.{figure}")
            spread = [_interval(metrics, model, figure)] if interval else []
            earlier = _number(then) if then is None else flagged(_number(then), old[DEGENERATE].get(model))
            rows.append([name, FIGURES[figure], _number(value), *spread, earlier, change(value, then)])
    parts.append(markdown.table(header, rows, right=range(2, len(header))))
    if gone := sorted(set(_models(old)) - set(_models(now))):
        parts.append(f"No longer measured: {', '.join(map(_name, gone))}.")
    return "\n\n".join(parts) + "\n"


def change(now: float | None, before: float | None) -> str:
    """Return the change of a figure in percentage points; empty if one of the two is not defined."""
    if now is None or before is None:
        return ""
    points = round(now - before, 2)
    if not points:
        return "="
    return f"▲ +{points:.2f}" if points > 0 else f"▼ −{-points:.2f}"


def degenerate(metrics: Mapping[str, Any], model: str) -> str | None:
    """Return how a model is degenerate, such as ``always normal``; None if it is not, or if that is not known.

    Args:
        metrics: Content of ``reports/metrics.json``.
        model: Key of the model in the scores, such as ``val.student``.
    """
    corpus, selection, kind = parts(model)
    found = metrics if corpus is None else metrics.get("external", {}).get(corpus, {})
    flag: str | None = found.get(kind, {}).get(selection, {}).get("degenerate")
    return flag


def _models(scores: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the figures by model: the student first, `val` before other selections."""
    names = {key.rpartition(".")[0] for key in scores if key not in (MEASURED, DEGENERATE)}
    order = sorted(names, key=lambda name: (not name.endswith(".student"), not name.startswith("val."), name))
    return {
        name: {figure: scores[f"{name}.{figure}"] for figure in FIGURES if f"{name}.{figure}" in scores}
        for name in order
    }


def _comparable(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the earlier scores, or none if they were measured on other cycles, labels or splits."""
    return before if before and before[MEASURED] == now[MEASURED] else {}


def _since(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    if not before:
        return " There are no scores of an earlier run to compare with."
    if not _comparable(now, before):
        return f" The last run cannot be compared: it measured on {before[MEASURED] or 'unknown cycles'}."
    return ""


def measured(metrics: Mapping[str, Any], corpus: str | None = None) -> str:
    """Return test cycles, corpus, labels and split of metrics in words; an empty text where they are not known.

    Args:
        metrics: Content of ``reports/metrics.json``.
        corpus: Name of an external corpus; None for the training corpora.
    """
    metrics = metrics if corpus is None else metrics.get("external", {}).get(corpus, {})
    if not metrics:
        return ""
    test = metrics["test"]
    return (
        f"{test['cycles']} test cycles of {test['patients']} patients: corpus {markdown.code(metrics['corpus'])}, "
        f"labels {markdown.code(metrics['labels'])}, split {markdown.code(metrics['split'])}"
    )


def _json(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file; an empty one where the file is missing or broken, as after a merge in Git."""
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found


def _interval(metrics: Mapping[str, Any], model: str, figure: str) -> str:
    corpus, selection, kind = parts(model)
    found = (metrics if corpus is None else metrics["external"][corpus])[kind][selection]
    spread = found[figure] if kind == "student" else {end: found[end][figure] for end in ("low", "high")}
    if spread["low"] is None:
        return ""
    return f"{_number(spread['low'])} to {_number(spread['high'])}"


def _name(model: str) -> str:
    corpus, selection, kind = parts(model)
    return f"{kind} ({selection})" if corpus is None else f"{kind} ({selection}) on {corpus}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
