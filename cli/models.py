"""Command `breathline models`: architectures, their parameter counts and their published weights."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column

from cli.output import print_json, print_yaml, table
from models import published_sizes
from models.networks.options import TIMM, declarations
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from models.networks.architecture import Variant, Weights

DECLARED = ("source", "sha256", "licence")


def models(
    name: Annotated[
        str | None,
        typer.Argument(help="a name of this list, an architecture, or timm/NAME for any CNN of timm: show its options"),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print the same as JSON")] = False,
) -> None:
    """List the networks: exact parameters, front end, published weights and their licence.

    Parameters are counted for clips of 8 s and four classes.
    """
    console = make_console()
    row = find_row(name) if name else None
    if row is not None:
        row["all_options"] = options(row)
    listed = [] if name else list(published_sizes.read().values())
    if as_json:
        print_json(row or listed)
    elif row is not None:
        _show_one(console, row)
    else:
        _show_all(console, listed)


def find_row(name: str) -> dict[str, Any]:
    """Return the row of a network of the table, of an architecture at its defaults, or of timm.

    Raises:
        BreathlineError: There is no network of that name, or it cannot be built.
    """
    if (row := published_sizes.read().get(name)) is not None:
        return row
    with make_console(stderr=True).status("Building the network, without its weights …"):
        variant = resolve(name)
        try:
            return published_sizes.describe(name, variant)
        except ValueError as error:
            raise BreathlineError(str(error), where=name) from error


def resolve(name: str) -> Variant:
    """Return an architecture at its defaults, or a network of timm.

    Raises:
        BreathlineError: There is no network of that name.
    """
    known = published_sizes.read()
    if name not in declarations() and not name.startswith(TIMM):
        hint = f"one of {', '.join(known)}, or {TIMM}<any CNN of timm>"
        raise BreathlineError(f"There is no model `{name}`.", where="breathline models", hint=hint)
    from models.networks.architecture import Variant
    from models.networks.registry import variants

    if name.startswith(TIMM):
        return Variant(architecture=name, weights=_published_by_timm(name.removeprefix(TIMM)))
    published = [variant.weights for variant in variants().values() if variant.architecture == name]
    return Variant(architecture=name, weights={key: value for weights in published for key, value in weights.items()})


def options(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return name, value and description of each option of a network, of which `find_row` gives the row."""
    architecture = row["architecture"]
    kind = declarations()[TIMM if architecture.startswith(TIMM) else architecture].options
    own_first = sorted(fields(kind), key=lambda field: field.name not in kind.__annotations__)
    meanings = {name: meaning for owner in kind.__mro__ for name, meaning in _attributes(inspect.getdoc(owner) or "")}
    return [
        {
            "name": field.name,
            "value": row["options"].get(field.name, None if field.default is MISSING else field.default),
            "meaning": meanings.get(field.name, ""),
        }
        for field in own_first
    ]


def snippet(row: Mapping[str, Any]) -> str:
    """Return the entries of params.yaml for a student of a network, with its usual weights."""
    frontend = row["frontend"]
    weights = next(iter(row["weights"]), {"name": "scratch", "source": "none"})
    name = weights["name"]
    declared = [f"    {key}: {'null' if weights[key] is None else weights[key]}" for key in DECLARED if key in weights]
    chosen = ", ".join(f"{key}: {value}" for key, value in row["options"].items())
    lines = (
        "frontends:",
        f"  {frontend}: {{duration_s: {published_sizes.CLIP_S}}}",
        "weights:",
        f"  {name}:",
        *declared,
        "student:                # or the same in an entry of `teachers`",
        f"  architecture: {row['architecture']}",
        f"  options: {{{chosen}}}",
        f"  frontend: {frontend}",
        f"  weights: {name}",
    )
    return "\n".join(lines)


def _published_by_timm(name: str) -> dict[str, Weights]:
    """Return timm's own weights of a network by name; empty if timm distributes none.

    Raises:
        BreathlineError: timm has no such network.
    """
    import timm

    from models.networks.architecture import Weights
    from models.networks.registry import variants

    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name[:6]}*")[:6]) or "see timm.list_models()"
        raise BreathlineError(f"timm has no network `{name}`.", where="breathline models", hint=f"others: {close}")
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        return {}
    full = name if "." in name or not config.tag else f"{name}.{config.tag}"
    source = f"timm:{full}"
    for variant in variants().values():
        for key, weights in variant.weights.items():
            if weights.source == source:
                return {key: weights}
    licence = config.license or "unknown"
    unlisted = Weights(source=source, licence=licence, learned_from="the data named in its model card", layout="timm")
    return {re.sub(r"\W", "_", full): unlisted}


def _count(row: Mapping[str, Any]) -> str:
    return escape(row["missing"]) if row["parameters"] is None else f"{row['parameters']:,}"


def _show_all(console: Console, rows: list[dict[str, Any]]) -> None:
    columns = (Column("name", no_wrap=True), Column("parameters", justify="right"), "front end")
    shown = table(*columns, Column("published weights", overflow="fold"), "licence")
    for row in rows:
        lines = row["weights"] or [{"name": "none", "licence": ""}]
        for number, weights in enumerate(lines):
            # A column of a terminal is too narrow for addresses.
            source = None if console.is_terminal else weights.get("source")
            first = (row["name"], _count(row), row["frontend"]) if number == 0 else ("", "", "")
            shown.add_row(*first, weights["name"] + (f" [dim]{source}[/]" if source else ""), weights["licence"])
    console.print(shown)
    console.print(
        "[dim]and timm/<any CNN of timm>; "
        "`breathline models NAME` shows options, sources of weights and entries of params.yaml[/]"
    )


def _show_one(console: Console, row: Mapping[str, Any]) -> None:
    console.print(f"[bold]{row['name']}[/]: {_count(row)} parameters, front end {row['frontend']}\n", highlight=False)
    shown = table("option", "value", "description")
    for option in row["all_options"]:
        shown.add_row(option["name"], escape(json.dumps(option["value"])), escape(option["meaning"]))
    console.print(shown)
    for weights in row["weights"]:
        console.print(
            f"\n[bold]{weights['name']}[/], {weights['licence']}, from {weights['learned_from']}\n"
            f"  {weights['source']}\n"
            f"  sha256: {weights['sha256'] or 'not publicly known; the stage weights records it'}",
            highlight=False,
            soft_wrap=True,
        )
    console.print("\n[bold]for params.yaml[/]")
    print_yaml(console, snippet(row))


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    """Yield name and description of each entry in the attributes section of a Google-style docstring."""
    _, _, section = docstring.partition("\nAttributes:\n")
    for entry in re.split(r"\n(?=\S)", textwrap.dedent(section).strip()):
        name, _, meaning = entry.partition(": ")
        yield name, " ".join(meaning.replace("``", "`").split())
