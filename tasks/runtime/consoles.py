"""Consoles of commands and stages."""

import os
from typing import Any

from rich.console import Console

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
