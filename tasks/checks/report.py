"""What validation tells: as JSON for machines, a table of warnings and a message of errors for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from tasks.checks.runner import Verdict
from tasks.runtime.errors import BreathlineError

SHOWN = 3  # names in a row of the table


def report(corpus: str, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return what goes into `results.json`: nothing that differs between runs over equal tables."""
    failing = [verdict for verdict in verdicts if not verdict.success]
    errors = sum(verdict.severity == "error" for verdict in failing)
    return {
        "corpus": corpus,
        "success": errors == 0,
        "totals": {
            "expectations": len(verdicts),
            "holding": len(verdicts) - len(failing),
            "warnings": len(failing) - errors,
            "errors": errors,
        },
        "expectations": [asdict(verdict) | {"fails_for": fails_for(verdict)} for verdict in verdicts],
    }


def fails_for(verdict: Verdict) -> str:
    """Return how much does not keep an expectation, as words; "" where it holds."""
    if verdict.success:
        return ""
    if verdict.rows is None:
        return str(verdict.unexpected)
    return f"{verdict.unexpected} of {verdict.rows} {verdict.suite}"


def warnings(verdicts: Sequence[Verdict]) -> Table | None:
    """Return the warnings as a table, or None if there are none."""
    table = Table(title="Warnings", title_justify="left", box=box.SIMPLE_HEAD, show_lines=True)
    table.add_column("what does not hold")
    table.add_column("fails for")
    table.add_column("first of these", no_wrap=True)
    for verdict in verdicts:
        if not verdict.success and verdict.severity == "warning":
            what = Text.assemble((verdict.name, "yellow"), "\n", verdict.meaning)
            table.add_row(what, fails_for(verdict), _names(verdict, SHOWN, "\n"))
    return table if table.rows else None


def failure(verdicts: Sequence[Verdict], results: Path, docs: Path) -> BreathlineError | None:
    """Return the error that names every expectation that must hold and does not, or None."""
    lines = []
    for verdict in verdicts:
        if not verdict.success and verdict.severity == "error":
            lines += [
                f"- {verdict.suite}.{verdict.name} ({verdict.expectation}): {verdict.meaning}",
                f"    fails for {fails_for(verdict)}: {_names(verdict, len(verdict.first), ', ')}",
                f"    {verdict.hint}",
            ]
    if not lines:
        return None
    count = len(lines) // 3
    return BreathlineError(
        f"{count} {'expectation that must hold does' if count == 1 else 'expectations that must hold do'} not:\n"
        + "\n".join(lines),
        where=f"{docs / 'index.html'} and {results}",
        hint="mend the rows, or set the family to warning under `validate.severity` in params.yaml",
    )


def _names(verdict: Verdict, most: int, between: str) -> str:
    """Return the first names at fault, and that there are more where that is so."""
    shown = list(verdict.first[:most])
    return between.join([*shown, "…"] if verdict.distinct > len(shown) else shown)
