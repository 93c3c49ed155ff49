"""Output of commands: tables, JSON, and the result of a Prefect flow."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from flows.termination import told_at_sigterm
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

WHOLE_LINES = 10_000  # columns: more than any line has


def make_console(**options: Any) -> Console:
    """Return a console of standard output, or with `stderr=True` of standard error.

    In a terminal, and where COLUMNS gives a width, lines are folded. Files and pipes get whole lines, which other
    programs search.

    Args:
        **options: Options of `rich.console.Console`.
    """
    console = Console(emoji=False, **options)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WHOLE_LINES
    return console


def table(*columns: Column | str, **options: Any) -> Table:
    """Return a table without a frame."""
    return Table(*columns, box=None, pad_edge=False, header_style="bold", **options)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_yaml(console: Console, text: str) -> None:
    """Print YAML in colours, its long lines whole: it is copied into files."""
    from rich.syntax import Syntax

    console.print(Syntax("", "yaml", background_color="default").highlight(text), soft_wrap=True, end="")


def run_flow(flow: Callable[..., State[Any]], hint: str, **parameters: Any) -> State[Any]:
    """Run a Prefect flow on the project in the current folder, and return its final state.

    Raises:
        Exception: The error that ended the flow.
        BreathlineError: The flow ended in a failed state by itself; the hint is the next step.
    """
    from prefect.exceptions import PrefectException

    with told_at_sigterm():
        state = flow(**parameters, project=Path.cwd(), return_state=True)
    if not state.is_completed():
        error = state.result(raise_on_failure=False)
        if isinstance(error, Exception) and not isinstance(error, PrefectException):
            raise error
        raise BreathlineError(state.message or state.name or "The flow failed.", hint=hint)
    return state
