"""Section of the validation of the data: expectations that hold or fail in each corpus, and their Data Docs."""

from collections.abc import Mapping
from typing import Any

from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.reporting.verdicts import Expectation, Verdicts

MOST = 12  # warnings that are listed for a corpus; the others are in the Data Docs


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    training = [_corpus(name, name, "", found) for name, found in run.verdicts.items()]
    external = [
        _corpus(name, f"{name}, only tested on", "external/", found) for name, found in run.external_verdicts.items()
    ]
    return {"corpora": [*training, *external], "most": MOST}


def _corpus(name: str, title: str, folder: str, found: Verdicts) -> dict[str, Any]:
    """Return the row of a corpus.

    Args:
        name: Name of the corpus.
        title: First cell of the row.
        folder: Folder of the Data Docs' folder, relative to the page, with a slash at its end.
        found: Verdicts of the corpus.
    """
    docs = f"{folder}data_docs/{name}/index.html"
    return {"name": name, "title": title, "docs": docs, "verdicts": found, "failing": _failing(found)}


def _failing(found: Verdicts) -> list[Expectation]:
    """Return the expectations that do not hold."""
    return [one for one in found.expectations if not one.success]


SECTION = Section(title="Checks of the data", order=850, content=content)
