"""The scores of a run, and how they differ from those before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.graph import flatten
from flows.publish import markdown

SCORES, METRICS = "reports/scores.json", "reports/metrics.json"
FIGURES = {
    "score_strict": "**Score, strict**",
    "score_lenient": "Score, lenient",
    "sp": "Sp",
    "se_strict": "Se, strict",
    "se_lenient": "Se, lenient",
}


def read(root: Path) -> dict[str, Any] | None:
    """Return the scores by `<selection>.<model>.<figure>`, in percent, or None where there are none."""
    path = root / SCORES
    return flatten(json.loads(path.read_text("utf-8"))) if path.is_file() else None


def read_metrics(root: Path) -> dict[str, Any]:
    """Return all figures of the evaluation; nothing where there are none."""
    path = root / METRICS
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def show(now: Mapping[str, Any], before: Mapping[str, Any] | None, metrics: Mapping[str, Any]) -> str:
    """Return the headline and a table of each figure, its interval, and the change since the last run.

    Args:
        now: What `read` returns after the run.
        before: The same from before it; None where there was none.
        metrics: What `read_metrics` returns: on what the figures were measured, and their intervals.
    """
    parts = [_headline(now, before), _measured(metrics)]
    interval = _interval_name(metrics)
    header = ["model", "figure", "now", *([interval] if interval else []), "before", "change"]
    rows = []
    for model, figures in _models(now).items():
        for figure, value in figures.items():
            old = (before or {}).get(f"{model}.{figure}")
            spread = [_interval(metrics, model, figure)] if interval else []
            rows.append([_name(model), FIGURES[figure], _number(value), *spread, _number(old), change(value, old)])
    parts.append(markdown.table(header, rows, right=range(2, len(header))))
    if gone := sorted(set(_models(before or {})) - set(_models(now))):
        parts.append(f"No longer measured: {', '.join(map(_name, gone))}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def change(now: float | None, before: float | None) -> str:
    """Return by how many points a figure rose or fell, or nothing where one of the two is not defined."""
    if now is None or before is None:
        return ""
    points = round(now - before, 2)
    if not points:
        return "="
    return f"▲ +{points:.2f}" if points > 0 else f"▼ −{-points:.2f}"


def _models(scores: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the figures of each model, the student first, strict before lenient."""
    names = sorted({key.rpartition(".")[0] for key in scores}, key=lambda name: (not name.endswith("student"), name))
    return {
        name: {figure: scores[f"{name}.{figure}"] for figure in FIGURES if f"{name}.{figure}" in scores}
        for name in names
    }


def _headline(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    model, figures = next(iter(_models(now).items()))
    said = []
    for figure, word in (("score_strict", "strict"), ("score_lenient", "lenient")):
        moved = change(figures[figure], (before or {}).get(f"{model}.{figure}"))
        said.append(f"**{_number(figures[figure])} {word}**" + (f" ({moved})" if moved else ""))
    since = "" if before else " There are no scores of an earlier run to compare with."
    return f"Score of {_name(model)}: {', '.join(said)}.{since}"


def _measured(metrics: Mapping[str, Any]) -> str:
    """Return on what was measured; scores of other data, labels or splits are no match."""
    if not metrics:
        return ""
    test = metrics["test"]
    return (
        f"In percent, on {test['cycles']} test cycles of {test['patients']} patients: corpus "
        f"{markdown.code(metrics['corpus'])}, labels {markdown.code(metrics['labels'])}, "
        f"split {markdown.code(metrics['split'])}."
    )


def _interval_name(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['interval']['confidence']:.0%} interval" if metrics else ""


def _interval(metrics: Mapping[str, Any], model: str, figure: str) -> str:
    selection, kind = model.split(".", 1)
    found = metrics[kind][selection]
    spread = found[figure] if kind == "student" else {end: found[end][figure] for end in ("low", "high")}
    if spread["low"] is None:
        return ""
    return f"{_number(spread['low'])} to {_number(spread['high'])}"


def _name(model: str) -> str:
    selection, kind = model.split(".", 1)
    return f"{kind} ({selection})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
