"""`breathline backfill`: the pipeline over Git revisions and parameter values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from cli.options import Gpus, Jobs
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

EXAMPLES = (
    "Examples: `breathline backfill --param student.optimizer.rho=0.05,0.1` · "
    "`breathline backfill --revision v1.0 --revision main` · `breathline backfill --revision v1.0..main --jobs 4`"
)


def backfill(
    revision: Annotated[list[str], typer.Option(help="Commit, tag, branch, or range OLDER..NEWER. Repeatable.")] = [],  # noqa: B006 - Typer reads the default and changes nothing
    param: Annotated[list[str], typer.Option(help="KEY=VALUE,VALUE: values of a key in params.yaml. Repeatable.")] = [],  # noqa: B006
    jobs: Jobs = 2,
    gpus: Gpus = None,
) -> None:
    """Run the pipeline for every revision with every combination of values, and compare the scores.

    Each variant runs in .backfill/ on the project's DVC cache: nothing is made twice, and your project does not change.
    """
    from flows import prefect_server
    from flows.backfills.variants import parse, variants

    console, root = Console(), Path.cwd()
    values = parse(param)
    for variant in variants(root, revision, values):
        console.print(f"{variant.name}: {variant.folder}", highlight=False, soft_wrap=True)
    with console.status("Starting Prefect …"):
        prefect_server.ensure()
        from flows import backfill as flow
    state: State[Any] = flow.backfill(
        revisions=revision, values=values, jobs=jobs, gpus=gpus, project=root, return_state=True
    )
    if not state.is_completed():
        raise BreathlineError(state.message or "The flow failed.", hint="mend the cause, then run the command again")
    console.print("Written: reports/backfill.md and .json")
