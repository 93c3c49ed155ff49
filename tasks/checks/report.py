"""Reports of the verdicts: JSON for machines, a table of warnings and an error message for people."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from tasks.checks.runner import Verdict
from tasks.checks.settings import Level
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.errors import BreathlineError

NAMES_IN_TABLE = 3  # names in a row of the table of warnings
METADATA = "completeness"  # family of checks of metadata that most work does not need; one line sums them up


def report(identity: Identity, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the contents of `results.json`, which are equal for equal tables."""
    warnings, errors = len(_failing(verdicts, "warning")), len(_failing(verdicts, "error"))
    return {
        "corpus": identity.name,
        "identity": identity.statement,
        "success": errors == 0,
        "totals": {
            "expectations": len(verdicts),
            "holding": len(verdicts) - warnings - errors,
            "warnings": warnings,
            "errors": errors,
        },
        "expectations": [asdict(verdict) | {"fails_for": fails_for(verdict)} for verdict in verdicts],
    }


def fails_for(verdict: Verdict) -> str:
    """Return the number of rows or facts that do not fit, in words; empty if the expectation holds."""
    if verdict.success:
        return ""
    if verdict.rows is None:
        return str(verdict.unexpected)
    return f"{verdict.unexpected} of {verdict.rows} {verdict.suite}"


def warning_table(verdicts: Sequence[Verdict]) -> Table | None:
    """Return the warnings but those of unknown metadata as a table, or None if there are none."""
    table = Table(title="Warnings", title_justify="left", box=box.SIMPLE_HEAD, show_lines=True)
    table.add_column("what does not hold")
    table.add_column("fails for")
    table.add_column("first of these", no_wrap=True)
    for verdict in _failing(verdicts, "warning"):
        if verdict.family == METADATA:
            continue
        what = Text.assemble((verdict.name, "yellow"), "\n", verdict.meaning)
        table.add_row(what, fails_for(verdict), _names(verdict, NAMES_IN_TABLE, "\n"))
    return table if table.rows else None


def unknown_metadata(verdicts: Sequence[Verdict]) -> str:
    """Return a line that sums up the warnings of unknown metadata; empty if there are none."""
    found = [verdict for verdict in _failing(verdicts, "warning") if verdict.family == METADATA]
    parts = [f"{verdict.name.removesuffix('_known').replace('_', ' ')} {verdict.distinct}" for verdict in found]
    return f"patients with unknown metadata: {', '.join(parts)}; only what needs them lacks them" if parts else ""


def failure(verdicts: Sequence[Verdict], results: Path, docs: Path) -> BreathlineError | None:
    """Return the error that names every failing expectation of severity error, or None."""
    failing = _failing(verdicts, "error")
    if not failing:
        return None
    lines = [
        f"- {verdict.suite}.{verdict.name} ({verdict.expectation}): {verdict.meaning}\n"
        f"    fails for {fails_for(verdict)}: {_names(verdict, len(verdict.first), ', ')}\n"
        f"    {verdict.hint}"
        for verdict in failing
    ]
    required = "required expectation does" if len(failing) == 1 else "required expectations do"
    return BreathlineError(
        "\n".join([f"{len(failing)} {required} not hold:", *lines]),
        where=f"{docs / 'index.html'} and {results}",
        hint="correct the rows, or set the family to warning under `validate.severity` in params.yaml",
    )


def _failing(verdicts: Sequence[Verdict], severity: Level) -> list[Verdict]:
    return [verdict for verdict in verdicts if not verdict.success and verdict.severity == severity]


def _names(verdict: Verdict, limit: int, separator: str) -> str:
    """Return the names of the first failing rows, with an ellipsis if there are more."""
    shown = list(verdict.first[:limit])
    return separator.join([*shown, "…"] if verdict.distinct > len(shown) else shown)
