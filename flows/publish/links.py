"""Where a reader finds a report: behind a link where a web server has it, else where the file lies, in words."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import quote

from flows.publish import markdown

REPORTS_URL = "BREATHLINE_REPORTS_URL"  # where a web server shows the project's folder reports/
DATA_DOCS = "reports/data_docs/index.html"
REPORTS = {
    "reports/report.html": "all scores, with intervals, groups, calibration and curves",
    DATA_DOCS: "what validation expects of the data, and what it found",
    "reports/metrics.json": "every figure of the report, for programs",
    "reports/scores.json": "the few figures by which runs are compared",
}


def link(path: str) -> str:
    """Return a link to a file of `reports/`, or its path as code where no web server is named."""
    base = os.environ.get(REPORTS_URL, "").rstrip("/")
    if not base:
        return markdown.code(path)
    return f"[{markdown.text(path)}]({base}/{quote(path.removeprefix('reports/'))})"


def show(root: Path) -> str:
    """Return what there is to read of a project, and where it lies."""
    found = {path: what for path, what in REPORTS.items() if (root / path).is_file()}
    if not found:
        return "There is no report yet: the stages `validate` and `evaluate` write them.\n"
    rows = [[link(path), what] for path, what in found.items()]
    where = f"The files lie on {markdown.code(socket.gethostname())} in {markdown.code(root)}."
    if not os.environ.get(REPORTS_URL):
        where += f" Set {markdown.code(REPORTS_URL)} to have links here (docs/prefect-ui.md)."
    return f"{markdown.table(['file', 'what it tells'], rows)}\n\n{where}\n"
