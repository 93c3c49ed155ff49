"""Data Docs: pages of Great Expectations that need no internet and are equal for equal results."""

from collections.abc import Mapping
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any, cast

from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader

from tasks.checks import rules
from tasks.runtime import templates
from tasks.runtime.files import replacing

TEMPLATES = Path(__file__).with_name("templates")
# The block of statistics in a page's first section. Before it is a verdict without severities, after it are run ids.
STATISTICS = slice(1, 2)


class OfflineView(DefaultJinjaPageView):
    """Great Expectations' own view in a page of ours.

    Its own pages load styles and scripts from six hosts. Here, random ids of elements become consecutive numbers.
    """

    _template = "page.html"

    def __init__(self) -> None:
        super().__init__()
        numbers = count(1)
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), cast("BaseLoader", self.env.loader)])
        self.env.filters["generate_html_element_uuid"] = lambda prefix: f"{prefix}{next(numbers)}"


def write(folder: Path, report: Mapping[str, Any], results: Mapping[str, ExpectationSuiteValidationResult]) -> None:
    """Write `index.html` and a page for each suite.

    Args:
        folder: The folder of the pages.
        report: The mapping that `tasks.checks.report.report` returns.
        results: The results of Great Expectations, by table.
    """
    _write(folder / "index.html", templates.render(__package__, "index.html.j2", report=report, suites=list(results)))
    for suite, result in results.items():
        document = ValidationResultsPageRenderer().render(_in_order(result))
        document.sections[0].content_blocks = document.sections[0].content_blocks[STATISTICS]
        _write(folder / f"{suite}.html", OfflineView().render(document))  # type: ignore[no-untyped-call]


def _in_order(result: ExpectationSuiteValidationResult) -> ExpectationSuiteValidationResult:
    """Return a result in which each row at fault shows the checked columns as one text, in alphabetical order.

    Great Expectations shows these columns without their names, in an order that differs between processes.
    """
    ordered = deepcopy(result)
    for one in ordered.results:
        names = one.result.get("unexpected_index_column_names", [])
        for key in ("unexpected_index_list", "partial_unexpected_index_list"):
            if key in one.result:
                one.result[key] = [_one_text(row, names) for row in one.result[key]]
    return ordered


def _one_text(row: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Return a row with its naming columns and one column for all others; a single other column is unchanged."""
    others = {column: value for column, value in sorted(row.items()) if column not in names}
    if len(others) > 1:
        others = {"values": ", ".join(f"{column} {rules.plain(value)}" for column, value in others.items())}
    return {name: row[name] for name in names} | others


def _write(path: Path, page: str) -> None:
    """Write a page atomically, without the templates' trailing blanks."""
    with replacing(path) as temporary:
        lines = (line.rstrip() for line in page.splitlines())
        temporary.write_text("\n".join(line for line in lines if line) + "\n", encoding="utf-8")
