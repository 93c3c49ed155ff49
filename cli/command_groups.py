"""Groups of commands, whose modules are imported when one of their commands is asked for."""

from __future__ import annotations

import re
from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli.options import EXAMPLES

# Typer keeps the line breaks of docstrings, which are those of the source; a blank line ends a paragraph.
SINGLE_LINE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")


class Group(TyperGroup):
    """Commands whose help is wrapped at the width of the terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for command in self.commands.values():
            command.help = SINGLE_LINE_BREAK.sub(" ", command.help or "")


class LazyGroup(Group):
    """Commands that are imported at their first use.

    The help of the group imports all of them, so their modules import little at their top (CONTRIBUTING.md).

    Attributes:
        places: Module and name (``cli.audit.trace:trace``) of each command's function, or of the Typer of a group.
        title: Name of the group in `examples.toml`; empty for the whole command line.
    """

    places: ClassVar[Mapping[str, str]]
    title: ClassVar[str] = ""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Commands(self.places)
        self.commands.title = self.title


class _Commands(UserDict[str, Any]):
    """Commands by name; each is built from its place when it is asked for."""

    title = ""

    def __getitem__(self, name: str) -> Any:
        if isinstance(place := super().__getitem__(name), str):
            self.data[name] = _build(name, place, f"{self.title} {name}".strip())
        return self.data[name]


def _build(name: str, place: str, example: str) -> Any:
    """Return the command, or the group of commands, at a place."""
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False)
        single.command(epilog=EXAMPLES[example])(found)
        found = single
    command = get_command(found)
    command.name, command.help = name, SINGLE_LINE_BREAK.sub(" ", command.help or "")
    return command


def new_group(kind: type[Group] = Group, **settings: Any) -> typer.Typer:
    """Return a group of commands, which shows its help if no command is given.

    Args:
        kind: Class of the group.
        **settings: Settings of `typer.Typer`, such as its help.
    """
    group = typer.Typer(cls=kind, no_args_is_help=True, add_completion=False, **settings)
    group.callback()(nothing)
    return group


def nothing() -> None:
    """Do nothing, as the callback of a group: Typer asks for one where no command is registered."""
