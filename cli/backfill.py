"""`breathline backfill`: the pipeline over Git revisions and parameter values."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Gpus, Jobs
from cli.output import run_flow
from tasks.runtime.consoles import make_console


def backfill(
    revision: Annotated[list[str], typer.Option(help="Commit, tag, branch, or range OLDER..NEWER. Repeatable.")] = [],  # noqa: B006 - Typer reads the default and changes nothing
    param: Annotated[list[str], typer.Option(help="KEY=VALUE,VALUE: values of a key in params.yaml. Repeatable.")] = [],  # noqa: B006
    jobs: Jobs = 2,
    gpus: Gpus = None,
) -> None:
    """Run the pipeline for every revision with every combination of values, and compare the scores.

    Each variant runs in .backfill/ on the project's DVC cache: nothing is made twice, and your project does not change.
    """
    from flows import prefect_server, write_access
    from flows.backfills.variants import parse, variants

    write_access.check(Path.cwd())
    console = make_console()
    values = parse(param)
    for variant in variants(Path.cwd(), revision, values):
        console.print(f"{variant.name}: {variant.folder}", markup=False, highlight=False, soft_wrap=True)
    with console.status("Starting Prefect …"):
        prefect_server.ensure()
        from flows import backfill as flow
    hint = "correct the cause, then run the command again"
    run_flow(flow.backfill, hint, revisions=revision, values=values, jobs=jobs, gpus=gpus)
    console.print("Written: reports/backfill.md and .json")
