"""`breathline recipe`: named sets of overrides, written into params.yaml with its comments kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from tasks.errors import BreathlineError

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

RECIPES = Path("recipes")
PARAMS = Path("params.yaml")
# Mappings whose keys are the user's own: a recipe gives them whole, or what an earlier one named would linger.
WHOLE = ("teachers", "frontends", "weights", "student.options")
# Folders with one sub-folder per item; stages depend on the whole folder, so nothing else may lie there.
ITEM_FOLDERS = {"teachers": "teachers", "frontends": "fbank", "weights": "weights", "student.seeds": "student"}

app = typer.Typer(
    no_args_is_help=True,
    help="Published methods and settings, as named overrides of params.yaml.",
    epilog="Examples: `breathline recipe list` · `breathline recipe show demo` · `breathline recipe use demo --dry`",
)
Name = Annotated[str, typer.Argument(help="a file of recipes/, without .yaml")]


@dataclass(frozen=True)
class Changed:
    """One key that a recipe changes; old or new is empty where the key is not there."""

    key: str
    old: str
    new: str


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
    stale = leftovers(Path("data"), _yaml().load(text))
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
    loaded: CommentedMap = _yaml().load(path)
    if not isinstance(loaded, Mapping) or set(loaded) != {"description", "overrides"}:
        raise BreathlineError("A recipe has exactly the keys `description` and `overrides`.", where=path)
    return loaded


def apply(text: str, overrides: Mapping[str, Any]) -> tuple[str, list[Changed]]:
    """Return the text of params.yaml with a recipe's overrides in it, and what changed.

    Mappings are merged and lists replaced; the mappings of `WHOLE` are replaced as well. Comments, order and flow
    style stay.

    Raises:
        BreathlineError: The recipe has a key that params.yaml has not; the error names all such keys.
    """
    yaml = _yaml()
    params = yaml.load(text)
    unknown = list(_unknown(params, overrides))
    if unknown:
        raise BreathlineError(
            f"The recipe has keys that params.yaml has not: {', '.join(unknown)}",
            where=PARAMS,
            hint="mend the recipe's spelling, or add the keys to params.yaml",
        )
    before = yaml.load(text)
    _merge(params, overrides)
    changes = list(_differences(before, params))
    if not changes:
        return text, []
    written = StringIO()
    yaml.dump(params, written)
    return written.getvalue(), changes


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


def _yaml() -> YAML:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _unknown(params: Mapping[str, Any], overrides: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in overrides.items():
        dotted = f"{prefix}{key}"
        if key not in params:
            yield dotted
        elif isinstance(params[key], Mapping) and dotted not in WHOLE:
            if isinstance(value, Mapping):
                yield from _unknown(params[key], value, f"{dotted}.")
            else:
                yield f"{dotted} (a mapping in params.yaml)"


def _merge(params: CommentedMap, overrides: Mapping[str, Any], prefix: str = "") -> None:
    for key, value in overrides.items():
        dotted = f"{prefix}{key}"
        if params[key] == value:
            continue
        if dotted in WHOLE:
            _replace(params[key], value)
        elif isinstance(params[key], Mapping):
            _merge(params[key], value, f"{dotted}.")
        elif isinstance(params[key], list):
            params[key][:] = value
        else:
            params[key] = value


def _replace(old: CommentedMap, new: Mapping[str, Any]) -> None:
    """Put ``new``'s items (mappings: a line each; plain ones: one line) in ``old``'s place; keep what follows them."""
    after = _comment_after(old)
    old.clear()
    old.ca.items.clear()
    if new and all(isinstance(value, Mapping) for value in new.values()):
        old.fa.set_block_style()
    else:
        old.fa.set_flow_style()
    for key, value in new.items():
        old[key] = _in_one_line(value)
    if old and after is not None:
        old.ca.items[list(old)[-1]] = [None, None, after, None]


def _comment_after(node: Any) -> Any:
    """Return the token of the blank lines and comments that follow the last line of a mapping, if it holds them."""
    from ruamel.yaml.comments import CommentedMap

    while isinstance(node, CommentedMap) and node:
        last = list(node)[-1]
        if last in node.ca.items:
            return node.ca.items[last][2]
        node = node[last]
    return None


def _in_one_line(value: Any) -> Any:
    from ruamel.yaml.comments import CommentedMap

    if not isinstance(value, Mapping):
        return value
    mapping = CommentedMap((key, _in_one_line(item)) for key, item in value.items())
    mapping.fa.set_flow_style()
    return mapping


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Changed]:
    before, now = _leaves(old), _leaves(new)
    for key in [*before, *(key for key in now if key not in before)]:
        if before.get(key, "") != now.get(key, ""):
            yield Changed(key, before.get(key, ""), now.get(key, ""))


def _leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return dotted keys and what to show for them; an item of a mapping of `WHOLE` is one value."""
    leaves: dict[str, str] = {}
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        items = isinstance(value, Mapping) and value and all(isinstance(item, Mapping) for item in value.values())
        if items or (isinstance(value, Mapping) and dotted not in WHOLE and prefix.rstrip(".") not in WHOLE):
            leaves |= _leaves(value, f"{dotted}.")
        else:
            leaves[dotted] = json.dumps(value, ensure_ascii=False).replace('"', "")
    return leaves
