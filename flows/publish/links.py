"""Links to the reports on a web server, or their paths where no server is configured."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import get_args
from urllib.parse import quote

from flows.publish import markdown
from tasks import artifacts
from tasks.artifacts import CorpusFolders, Role

REPORTS_URL = "BREATHLINE_REPORTS_URL"  # address at which a web server shows the folder reports/
REPORTS: Mapping[Path, str] = {
    artifacts.REPORT: "all scores, with intervals, groups, calibration and curves",
    artifacts.METRICS: "every figure of the report, for programs",
    artifacts.EXPLANATION: "what the embeddings separate, and tests of the maps, for programs",
    artifacts.SCORES: "the few figures by which runs are compared",
}


def data_docs(root: Path) -> list[Path]:
    """Return the first page of the Data Docs of each corpus, those to learn from first, relative to the project."""
    patterns = (CorpusFolders(role, "*").data_docs / artifacts.DATA_DOCS_INDEX for role in get_args(Role))
    return [path.relative_to(root) for pattern in patterns for path in sorted(root.glob(str(pattern)))]


def link(path: Path) -> str:
    """Return a link to a file of `reports/`, or its path as code without a web server."""
    base = os.environ.get(REPORTS_URL, "").rstrip("/")
    if not base:
        return markdown.code(path)
    return f"[{markdown.text(path)}]({base}/{quote(path.relative_to(artifacts.REPORTS).as_posix())})"


def show(root: Path) -> str:
    """Return a table of the existing reports, and their folder."""
    found = {path: what for path, what in REPORTS.items() if (root / path).is_file()}
    found |= dict.fromkeys(data_docs(root), "expectations of the validation of a corpus, and its findings")
    if not found:
        return "There is no report yet: the stages `validate` and `evaluate` write them.\n"
    rows = [[link(path), what] for path, what in found.items()]
    where = f"The files are on {markdown.code(socket.gethostname())} in {markdown.code(root)}."
    if not os.environ.get(REPORTS_URL):
        where += f" Set {markdown.code(REPORTS_URL)} to have links here (docs/how-to/prefect-ui.md)."
    return f"{markdown.table(['file', 'content'], rows)}\n\n{where}\n"
