"""Stage `validate`: checks of the tables; the run stops if a required expectation does not hold."""

import logging
import sys
from pathlib import Path
from typing import Any

from tasks import artifacts
from tasks.artifacts import CorpusFolders, Role
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
    corpus = registry.get(facts.format)
    tables = frames.read(folder, corpus.recordings_schema, corpus.cycles_schema)
    checks = suites(settings, facts, corpus.expectations(facts.identity), tables.summary)
    with console().status("Checking recordings and cycles"):
        verdicts, rendered = runner.run(tables, checks, settings.severity)
    written = report(facts.identity, verdicts)
    write_json(results, written)
    pages.write(data_docs, written, rendered)
    if table := warning_table(verdicts):
        console().print(table)
    if line := unknown_metadata(verdicts):
        log.warning(line)
    if error := failure(verdicts, results, data_docs):
        raise error
    totals, index = written["totals"], data_docs / artifacts.DATA_DOCS_INDEX
    log.info(
        f"{len(tables.recordings)} recordings and {len(tables.cycles)} cycles: {totals['holding']} of "
        f"{totals['expectations']} expectations hold, {totals['warnings']} warnings; see {index}"
    )
    return written


def main(name: str, role: Role = "training") -> None:
    """Run the stage for one corpus; the name is a key of ``corpora`` or ``external`` in params.yaml."""
    folders = CorpusFolders(role, name)
    with stage(folders.stage("validate")):
        settings = params.parse(CheckSettings, params.section(params.read(), "validate"), "validate")
        validate(folders.tables, folders.verdicts, folders.data_docs, settings)


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
