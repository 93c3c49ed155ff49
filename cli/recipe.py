"""`breathline recipe`: named sets of overrides, written into params.yaml with its comments kept."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from cli.params_text import PARAMS, apply, yaml_round_trip
from tasks.errors import BreathlineError

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

RECIPES = Path("recipes")
# Folders with one sub-folder per item; stages depend on the whole folder, so nothing else may lie there.
ITEM_FOLDERS = {"teachers": "teachers", "frontends": "fbank", "weights": "weights", "student.seeds": "student"}

app = typer.Typer(
    no_args_is_help=True,
    help="Published methods and settings, as named overrides of params.yaml.",
    epilog="Examples: `breathline recipe list` · `breathline recipe show demo` · `breathline recipe use demo --dry`",
)
Name = Annotated[str, typer.Argument(help="a file of recipes/, without .yaml")]


@app.command("list", epilog="Example: `breathline recipe list`")
def list_recipes() -> None:
    """Show the recipes there are."""
    from rich.table import Table

    table = Table("recipe", "what it is", box=None, pad_edge=False, header_style="bold")
    for path in sorted(RECIPES.glob("*.yaml")):
        table.add_row(path.stem, str(load(path.stem)["description"]).strip())
    Console().print(table)


@app.command(epilog="Example: `breathline recipe show demo`")
def show(name: Name) -> None:
    """Print a recipe's overrides."""
    from rich.syntax import Syntax

    load(name)
    Console().print(Syntax((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"), "yaml", background_color="default"))


@app.command(epilog="Examples: `breathline recipe use demo` · `breathline recipe use icbhi --dry`")
def use(
    name: Name, dry: Annotated[bool, typer.Option("--dry", help="say what would change, write nothing")] = False
) -> None:
    """Write a recipe's overrides into params.yaml and say what changed."""
    from rich.table import Table

    from tasks.files import replacing

    text, changes = apply(PARAMS.read_text(encoding="utf-8"), load(name)["overrides"])
    console = Console()
    if changes:
        table = Table("key", "old", "new", box=None, pad_edge=False, header_style="bold", title_justify="left")
        for change in changes:
            table.add_row(change.key, change.old, change.new)
        console.print(table)
    else:
        console.print(f"Nothing to change: params.yaml is as {name} wants it.")
    stale = leftovers(Path("data"), yaml_round_trip().load(text))
    if stale:
        console.print(
            "No longer named, " + ("to be removed" if dry else "removed") + " (DVC's cache keeps its copies):"
        )
        for folder in stale:
            console.print(f"  {folder}", highlight=False)
    if dry:
        return
    if changes:
        with replacing(PARAMS) as temporary:
            temporary.write_text(text, encoding="utf-8")
    for folder in stale:
        shutil.rmtree(folder)


def load(name: str, folder: Path = RECIPES) -> CommentedMap:
    """Return a recipe: ``description`` and ``overrides``.

    Raises:
        BreathlineError: There is no such recipe, or it has other keys.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in folder.glob("*.yaml")))
        raise BreathlineError(f"There is no recipe `{name}`.", where=folder, hint=f"one of: {known or 'none'}")
    loaded: CommentedMap = yaml_round_trip().load(path)
    if not isinstance(loaded, Mapping) or set(loaded) != {"description", "overrides"}:
        raise BreathlineError("A recipe has exactly the keys `description` and `overrides`.", where=path)
    return loaded


def leftovers(data: Path, params: Mapping[str, Any]) -> list[Path]:
    """Return the folders of teachers, students, feature caches and weights that the parameters do not name."""
    stale: list[Path] = []
    for key, folder in ITEM_FOLDERS.items():
        named: Any = params
        for part in key.split("."):
            named = named[part]
        kept = {str(item) for item in named}
        stale += [path for path in sorted((data / folder).glob("*")) if path.is_dir() and path.name not in kept]
    return stale
