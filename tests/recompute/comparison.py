"""Numbers, names and parts of a report, compared with those that are computed again."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from tests.recompute import html_page, inventory, svg_figures
from tests.recompute.html_page import ABOVE
from tests.recompute.run import Run, read
from tests.recompute.section_comparison import Compared

PREDICTIONS = "predictions"
# What the numbers of other sections are computed from, or compared with.
SOURCES = {
    "corpora": "predictions, corpus.json",
    "groups": "predictions, recordings.parquet",
    "decision_rules": "predictions, model.json",
    "calibration": "predictions, model.json",
    "gallery": "predictions, cycles and features",
    "embeddings": "explanation.json, embeddings.parquet",
    "maps": "explanation.json, maps.parquet",
    "sharpness": "explanation.json, model.json",
    "training": "model.json, history.csv",
    "domains": "recordings, cycles and features",
    "data_checks": "results of Great Expectations",
    "published": "predictions, corpus.json",
    "provenance": "not compared",
    "reading": "not compared: explanations",
}


def of_project(folder: Path) -> list[Compared]:
    """Return the comparison of each section of the report of a project.

    Raises:
        FileNotFoundError: The report, or a file that its numbers follow from, is missing.
    """
    html = (folder / "reports/report.html").read_text(encoding="utf-8")
    return list(compare(read(folder), html))


def compare(run: Run, html: str, only: Collection[str] = ()) -> Iterator[Compared]:
    """Yield the comparison of each section of a page, as far as `tests.recompute` knows how its numbers arise.

    Args:
        run: The run.
        html: The page.
        only: Ids of the sections to compare; none for all.
    """
    sections, expected = html_page.sections(html), inventory.sections(run)
    shown = [ABOVE, *html_page.ids(html)]
    ordered = [name for name in expected if name in shown]
    for name in only or dict.fromkeys([*expected, *sections]):
        found = Compared(name, SOURCES.get(name, PREDICTIONS))
        if (times := shown.count(name)) != int(name in expected):
            found.wrong.append(f"section: {times} times, expected {int(name in expected)}")
        if name in ordered and (before := _before(shown, name)) != (known := _before(ordered, name)):
            found.wrong.append(f"section: after {before}, expected after {known}")
        if section := sections.get(name):
            found.parts(run, section)
            for table in section.tables:
                found.table(run, table)
            for label, svg in svg_figures.labelled(section.html):
                found.figure(run, label, svg)
            found.prose(run, section)
        yield found


def _before(names: Sequence[str], name: str) -> str | None:
    """Return the name before the first occurrence of a name; None before the first one."""
    at = names.index(name)
    return names[at - 1] if at else None
