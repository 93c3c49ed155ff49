"""`breathline recipe`: published methods for params.yaml, whose comments are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cli.command_groups import new_group
from cli.options import EXAMPLES
from cli.output import print_yaml, table
from flows.recipes import source_forms
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from flows.recipes.writing import Edit

app = new_group(help="Published methods and settings for params.yaml.", epilog=EXAMPLES["recipe"])
Name = Annotated[str, typer.Argument(help="Name of a file in recipes/, without .yaml.")]
Corpus = Annotated[list[str], typer.Option(help=f"Corpus to learn from. {source_forms.HELP}.")]
External = Annotated[
    list[str], typer.Option(help=f"Corpus that is only tested on, in the same form: {source_forms.FORM}.")
]
Small = Annotated[
    bool, typer.Option("--small", help="Small version of the recipe, in a minute: tiny networks, no weights, one seed.")
]


@app.command("list", epilog=EXAMPLES["recipe list"])
def list_recipes() -> None:
    """List all recipes; one that cannot be read is shown with its error."""
    from flows.recipes.layers import load, names

    shown = table("recipe", "description", "published in")
    for name in names():
        try:
            recipe = load(name)
        except BreathlineError as error:
            shown.add_row(name, Text(f"cannot be used: {error}", style="red"), "")
        else:
            shown.add_row(name, str(recipe["description"]).strip(), str(recipe.get("paper") or "").strip())
    make_console().print(shown)


@app.command(epilog=EXAMPLES["recipe show"])
def show(name: Name) -> None:
    """Print the file of a recipe."""
    from flows.recipes.layers import RECIPES, load

    load(name)
    print_yaml(make_console(), (RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))


@app.command(epilog=EXAMPLES["recipe use"])
def use(
    name: Name,
    corpus: Corpus = [],  # noqa: B006 - Typer reads the default and changes nothing
    external: External = [],  # noqa: B006
    small: Small = False,
    dry: Annotated[bool, typer.Option("--dry", help="Show the changes; write nothing.")] = False,
) -> None:
    """Write a recipe, merged over the defaults, into params.yaml, and show the changes."""
    from flows.processes.run_lock import exclusive_run
    from flows.recipes import writing

    root = Path()
    if dry:
        show_edit(writing.edit(root, name, corpus=corpus, external=external, small=small), name, dry=True)
        return
    # A running stage must neither lose its outs nor continue with other parameters.
    with exclusive_run(root):
        planned = writing.edit(root, name, corpus=corpus, external=external, small=small)
        show_edit(planned, name)
        writing.write(root, planned)


def show_edit(planned: Edit, name: str, *, dry: bool = False) -> None:
    """Print the changes by a recipe."""
    console = make_console()
    if planned.changes:
        shown = table("key", "old", "new")
        for change in planned.changes:
            shown.add_row(change.key, change.old, change.new)
        console.print(shown)
    else:
        console.print(f"Nothing to change: params.yaml has all settings of {name}.")
    if planned.stale:
        console.print(
            "No longer in params.yaml, " + ("to be removed" if dry else "removed") + " (DVC's cache keeps its copies):"
        )
        for folder in planned.stale:
            console.print(f"  {folder}", highlight=False)
