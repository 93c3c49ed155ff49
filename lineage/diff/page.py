"""Comparison of two runs as an HTML page of one file."""

from __future__ import annotations

from lineage.diff.comparison import Comparison
from lineage.diff.sections import sections
from tasks.runtime import templates


def render(found: Comparison) -> str:
    """Return the page, with all differences."""
    return templates.render(__package__, "page.html.j2", found=found, sections=sections(found)) + "\n"
