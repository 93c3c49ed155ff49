"""Command `breathline audit diff`: comparison of two runs."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import print_json
from tasks.runtime.consoles import make_console


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="a Git revision, `.`, or a folder such as .leaderboard/x")],
    new: Annotated[str, typer.Argument(metavar="B", help="the same; by default the current project")] = ".",
    everything: Annotated[bool, typer.Option("--all", help="print long lists in full")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the comparison as JSON")] = False,
    html: Annotated[Path | None, typer.Option(help="write the full comparison to an HTML page")] = None,
) -> None:
    """Show the changes from A to B: recordings and cycles, code, parameters, packages, figures, predictions."""
    from lineage.diff import comparison, runs, text

    found = comparison.compare(runs.open_run(old, Path()), runs.open_run(new, Path()))
    if html is not None:
        html.write_text(text.page(found), encoding="utf-8")
    if as_json:
        print_json(found.as_json())
    elif html is None:
        make_console(highlight=False).print(text.shown(found, everything=everything))
