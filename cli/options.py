"""Options that several commands share, and the examples of all commands."""

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from flows.objections import Objection

EXAMPLES = {
    # Typer removes the margin that all lines but the first share.
    name: f"\n{text}"
    for name, text in tomllib.loads(Path(__file__).with_name("examples.toml").read_text("utf-8")).items()
}
Jobs = Annotated[int, typer.Option(min=1, help="Maximum number of stages at once on this machine.")]
Gpus = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of stages at once on a GPU; default: one for each GPU.")
]
Targets = Annotated[
    list[str], typer.Option("--target", help="Last stage to run; only it and its upstream stages run. Repeatable.")
]
Forced = Annotated[list[str], typer.Option("--force", help="Stage that runs even if it is up to date. Repeatable.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Allow = Annotated[
    list[Objection] | None,
    typer.Option(help="Promote a model that learned from generated sounds (demo), or is degenerate. Repeatable."),
]
