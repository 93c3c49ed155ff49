"""Stage `validate`: checks of the tables; the run stops if a required expectation does not hold."""

import logging
from pathlib import Path
from typing import Any

from tasks import artifacts
from tasks.checks import data_docs as pages
from tasks.checks import frames, runner
from tasks.checks.report import failure, report, unknown_metadata, warning_table
from tasks.checks.settings import CheckSettings
from tasks.checks.suites import suites
from tasks.corpora import registry
from tasks.runtime import corpus_facts, params
from tasks.runtime.files import write_json
from tasks.runtime.stage import console, stage

log = logging.getLogger("validate")


def validate(folder: Path, results: Path, data_docs: Path, settings: CheckSettings) -> dict[str, Any]:
    """Check the tables, write the verdicts and Data Docs, show the warnings, and return the verdicts.

    Args:
        folder: Folder of the tables and of the facts of the corpus, which `extract` wrote.
        results: Path of the JSON file of verdicts.
        data_docs: Folder of the HTML pages.
        settings: Thresholds and severities.

    Raises:
        BreathlineError: An expectation of severity error does not hold; verdicts and pages are written nevertheless.
    """
    facts = corpus_facts.read(folder)
    corpus = registry.get(facts.name)
    tables = frames.read(folder, corpus.recordings_schema, corpus.cycles_schema)
    checks = suites(settings, facts, corpus.expectations(facts.identity), tables.summary)
    with console.status("Checking recordings and cycles"):
        verdicts, rendered = runner.run(tables, checks, settings.severity)
    written = report(facts.identity, verdicts)
    write_json(results, written)
    pages.write(data_docs, written, rendered)
    if table := warning_table(verdicts):
        console.print(table)
    if line := unknown_metadata(verdicts):
        log.warning(line)
    if error := failure(verdicts, results, data_docs):
        raise error
    totals = written["totals"]
    log.info(
        f"{len(tables.recordings)} recordings and {len(tables.cycles)} cycles: {totals['holding']} of "
        f"{totals['expectations']} expectations hold, {totals['warnings']} warnings; see {data_docs / 'index.html'}"
    )
    return written


def main() -> None:
    """Run the stage on the project in the working directory."""
    with stage("validate"):
        settings = params.parse(CheckSettings, params.section(params.read(), "validate"), "validate")
        validate(artifacts.EXTRACTED, artifacts.VERDICTS, artifacts.DATA_DOCS, settings)


if __name__ == "__main__":
    main()
