"""Stage `validate`: a gate. What must hold of recordings and cycles stops the graph where it does not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from tasks import artifacts
from tasks.checks import data_docs as pages
from tasks.checks import frames
from tasks.checks.report import failure, report, warnings
from tasks.checks.runner import judge
from tasks.checks.settings import ValidationSettings
from tasks.runtime import params
from tasks.runtime.files import write_json
from tasks.runtime.stage import console, stage

log = logging.getLogger("validate")


def validate(cycles: Path, results: Path, data_docs: Path, settings: ValidationSettings) -> dict[str, Any]:
    """Judge the tables, write the verdicts and Data Docs, show the warnings, and return what was written.

    Args:
        cycles: The folder that `extract` made.
        results: The JSON file of verdicts.
        data_docs: The folder of HTML pages.
        settings: Thresholds and severities.

    Raises:
        BreathlineError: An expectation of severity error does not hold; verdicts and pages are written before.
    """
    read = frames.read(cycles)
    with console.status("Judging recordings and cycles"):
        verdicts, rendered = judge(read, settings)
    told = report(read.summary["corpus"], verdicts)
    write_json(results, told)
    pages.write(data_docs, told, rendered)
    if table := warnings(verdicts):
        console.print(table)
    if error := failure(verdicts, results, data_docs):
        raise error
    totals = told["totals"]
    log.info(
        f"{totals['expectations']} expectations of {len(read.recordings)} recordings and {len(read.cycles)} cycles: "
        f"{totals['holding']} hold, {totals['warnings']} warnings; see {data_docs / 'index.html'}"
    )
    return told


def main() -> None:
    """Run the stage on the project in the working directory."""
    with stage("validate"):
        settings = params.parse(ValidationSettings, params.section(params.read(), "validate"), "validate")
        validate(artifacts.EXTRACTED, artifacts.VERDICTS, artifacts.DATA_DOCS, settings)


if __name__ == "__main__":
    main()
