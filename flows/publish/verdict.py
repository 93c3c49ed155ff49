"""The verdict of the stage `validate`, for those who decide whether the data are fit to learn from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.publish import links, markdown

RESULTS = "data/validation/results.json"
SHOWN = 3  # names at fault in a row


def read(root: Path) -> dict[str, Any] | None:
    """Return the verdicts, or None where the stage wrote none."""
    path = root / RESULTS
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def headline(results: Mapping[str, Any] | None) -> str:
    """Return whether the data passed, and how many expectations hold."""
    if results is None:
        return "No verdict."
    totals = results["totals"]
    return (
        f"{'✓ Passed' if results['success'] else '✗ Failed'}: "
        f"{totals['holding']} of {totals['expectations']} expectations hold; "
        f"{_count(totals['errors'], 'error')}, {_count(totals['warnings'], 'warning')}."
    )


def show(results: Mapping[str, Any] | None, outcome: str) -> str:
    """Return the expectations that do not hold, errors first, and where all of them are shown.

    Args:
        results: What `read` returned.
        outcome: What became of the stage in this run.
    """
    if results is None:
        return f"The stage `validate` {outcome} before it wrote a verdict: see its log.\n"
    failing = [one for one in results["expectations"] if not one["success"]]
    failing.sort(key=lambda one: one["severity"] != "error")
    so = "" if results["success"] else " Nothing is learned from these data."
    parts = [f"Corpus {markdown.code(results['corpus'])}; the stage {outcome}.{so}"]
    if failing:
        parts.append(markdown.table(["", "what does not hold", "fails for", "first of these"], map(_row, failing)))
    parts.append(f"Data Docs: {links.link(links.DATA_DOCS)}")
    return "\n\n".join(parts) + "\n"


def _row(one: Mapping[str, Any]) -> list[str]:
    first = [markdown.text(name) for name in one["first"][:SHOWN]]
    what = f"{markdown.code(one['suite'] + '.' + one['name'])}<br>{markdown.text(one['meaning'])}"
    if one["severity"] == "error":
        what += f"<br>→ {markdown.text(one['hint'])}"
    more = ["…"] if one["distinct"] > len(first) else []
    sign = "✗ **error**" if one["severity"] == "error" else "⚠ warning"
    return [markdown.whole(sign), what, markdown.text(one["fails_for"]), "<br>".join(first + more)]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
