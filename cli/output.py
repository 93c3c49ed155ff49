"""Output of commands: tables, JSON, and the result of a Prefect flow."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Column, Table

from flows.termination import told_at_sigterm
from tasks.runtime import garbage
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State
    from rich.console import Console


def table(*columns: Column | str, **options: Any) -> Table:
    """Return a table without a frame."""
    return Table(*columns, box=None, pad_edge=False, header_style="bold", **options)


def print_json(value: object) -> None:
    """Print a value as one JSON document; an undefined number is null."""
    typer.echo(json.dumps(_defined(value), indent=2, ensure_ascii=False, allow_nan=False))


def _defined(value: object) -> object:
    """Return a value in which null stands for numbers that JSON does not have: NaN and infinities."""
    if isinstance(value, Mapping):
        return {key: _defined(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_defined(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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

    garbage.collect_as_usual()
    with told_at_sigterm():
        state = flow(**parameters, project=Path.cwd(), return_state=True)
    if not state.is_completed():
        error = state.result(raise_on_failure=False)
        if isinstance(error, Exception) and not isinstance(error, PrefectException):
            raise error
        raise BreathlineError(state.message or state.name or "The flow failed.", hint=hint)
    return state
