"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Jobs = Annotated[int, typer.Option(min=1, help="Maximum number of stages at once on this machine.")]
Gpus = Annotated[
    int | None, typer.Option(min=1, help="Maximum number of stages at once on a GPU; default: one for each GPU.")
]
Targets = Annotated[
    list[str], typer.Option("--target", help="Last stage to run; only it and its upstream stages run. Repeatable.")
]
Forced = Annotated[list[str], typer.Option("--force", help="Stage that runs in any case. Repeatable.")]
