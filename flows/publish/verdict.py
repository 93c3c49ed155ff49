"""Verdict of the validation of a corpus as Markdown."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.publish import links, markdown
from tasks import artifacts
from tasks.artifacts import CorpusFolders, Role
from tasks.runtime.words import counted

SHOWN = 3  # failing names in a row
CONSEQUENCES: Mapping[Role, str] = {
    "training": " Nothing is learned from these data.",
    "external": " Nothing is tested on these data.",
}


def read(root: Path, corpus: CorpusFolders) -> dict[str, Any] | None:
    """Return the results of the validation of a corpus, or None if there are none."""
    path = root / corpus.verdicts
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def headline(results: Mapping[str, Any] | None) -> str:
    """Return whether the data passed, and the number of expectations that hold."""
    if results is None:
        return "No verdict."
    totals = results["totals"]
    return (
        f"{'✓ Passed' if results['success'] else '✗ Failed'}: "
        f"{totals['holding']} of {totals['expectations']} expectations hold; "
        f"{counted(totals['errors'], 'error')}, {counted(totals['warnings'], 'warning')}."
    )


def show(corpus: CorpusFolders, results: Mapping[str, Any] | None, outcome: str) -> str:
    """Return a table of the failed expectations, errors first, after the outcome of the stage; link the Data Docs."""
    if results is None:
        stage = markdown.code(corpus.stage("validate"))
        return f"The stage {stage} {outcome} before it wrote a verdict: see its log.\n"
    failing = [one for one in results["expectations"] if not one["success"]]
    failing.sort(key=lambda one: one["severity"] != "error")
    consequence = "" if results["success"] else CONSEQUENCES[corpus.role]
    parts = [f"Corpus {markdown.code(corpus.name)}; the stage {outcome}.{consequence}"]
    if failing:
        parts.append(markdown.table(["", "what does not hold", "fails for", "first of these"], map(_row, failing)))
    parts.append(f"Data Docs: {links.link(corpus.data_docs / artifacts.DATA_DOCS_INDEX)}")
    return "\n\n".join(parts) + "\n"


def _row(one: Mapping[str, Any]) -> list[str]:
    first = [markdown.text(name) for name in one["first"][:SHOWN]]
    what = f"{markdown.code(one['suite'] + '.' + one['name'])}<br>{markdown.text(one['meaning'])}"
    if one["severity"] == "error":
        what += f"<br>→ {markdown.text(one['hint'])}"
    more = ["…"] if one["distinct"] > len(first) else []
    sign = "✗ **error**" if one["severity"] == "error" else "⚠ warning"
    return [markdown.unbroken(sign), what, markdown.text(one["fails_for"]), "<br>".join(first + more)]
