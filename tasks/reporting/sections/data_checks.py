"""Section of the validation of the data: expectations that hold or fail in each corpus, and their Data Docs."""

from collections.abc import Mapping
from typing import Any

from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.reporting.verdicts import Expectation, Verdicts

MOST = 12  # warnings that are listed for a corpus; the others are in the Data Docs


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    return {
        "corpora": run.verdicts,
        "failing": {name: _failing(found) for name, found in run.verdicts.items()},
        "most": MOST,
        "external": list(run.metrics["external"]),
    }


def _failing(found: Verdicts) -> list[Expectation]:
    """Return the expectations that do not hold."""
    return [one for one in found.expectations if not one.success]


SECTION = Section(title="Checks of the data", order=850, content=content)
