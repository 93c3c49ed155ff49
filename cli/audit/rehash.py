"""`breathline audit rehash`: every byte that dvc.lock names, hashed anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tasks.errors import BreathlineError

EXAMPLES = "Examples: `breathline audit rehash` · `breathline audit rehash --jobs 8`"


def rehash(
    jobs: Annotated[int, typer.Option(min=1, help="how many files are read at once")] = 2,
) -> None:
    """Hash all that dvc.lock names anew, DVC's cache too, and follow the chain from stage to stage.

    Ends with status 1 where something is not as recorded. The flow `nightly_audit` does the same each night.
    """
    from flows.audit import rehash as audits
    from flows.audit import report
    from flows.execute import only_run

    console, root = Console(), Path.cwd()
    with only_run(root), console.status("Hashing …"):
        audit = audits.rehash(root, jobs=jobs)
    for finding in audit.findings:
        style = "red" if finding.damage else "dim"
        console.print(report.line(finding), style=style, highlight=False, soft_wrap=True)
    if audit.damage:
        kinds = dict.fromkeys(finding.kind for finding in audit.damage)
        hint = "; ".join(f"{report.KINDS[kind]}: {report.NEXT[kind]}" for kind in kinds)
        raise BreathlineError(report.headline(audit), where=root, hint=hint)
    console.print(report.headline(audit), highlight=False)
