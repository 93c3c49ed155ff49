"""Command `breathline models`: architectures, their parameter counts and their published weights."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column

from cli.output import print_json, table
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from models.networks.architecture import Variant, Weights

CLIP_S, CLASSES = 8.0, 4  # parameters are counted for the clips of the published works and lungsound_4
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
    console = Console(emoji=False)
    with Console(emoji=False, stderr=True).status("Building the networks, without their weights …"):
        from models.networks.registry import variants

        found = {name: resolve(name)} if name else variants()
        rows = [_row(known, variant) for known, variant in found.items()]
        if name:
            rows[0]["all_options"] = options(found[name])
    if as_json:
        print_json(rows[0] if name else rows)
    elif name:
        _show_one(console, rows[0], found[name])
    else:
        _show_all(console, rows)


def resolve(name: str) -> Variant:
    """Return the network of a name: a published size, an architecture at its defaults, or a network of timm.

    Raises:
        BreathlineError: There is no network of that name.
    """
    from models.networks.architecture import Variant
    from models.networks.options import TIMM
    from models.networks.registry import find, variants

    known = variants()
    if name in known:
        return known[name]
    if name.startswith(TIMM):
        return Variant(architecture=name, weights=_published_by_timm(name.removeprefix(TIMM)))
    try:
        find(name)
    except ValueError as error:
        hint = f"one of {', '.join(known)}, or {TIMM}<any CNN of timm>"
        raise BreathlineError(f"There is no model `{name}`.", where="breathline models", hint=hint) from error
    published = [variant.weights for variant in known.values() if variant.architecture == name]
    return Variant(architecture=name, weights={key: value for weights in published for key, value in weights.items()})


def parameters(variant: Variant) -> int:
    """Count the trained parameters of a network without allocating them (the library of BEATs allocates some).

    Raises:
        BreathlineError: The network cannot be built because a library is missing.
    """
    import torch

    from models.frontends.registry import create as create_frontend
    from models.networks.registry import create, find

    frontend = create_frontend(find(variant.architecture).frontend, CLIP_S)
    try:
        with torch.device("meta"):
            network = create(
                variant.architecture,
                frames=frontend.frames,
                mels=frontend.mels,
                classes=CLASSES,
                options=variant.options,
                weights=None,
            )
    except ValueError as error:
        raise BreathlineError(str(error), where=variant.architecture) from error
    return sum(parameter.numel() for parameter in network.parameters())


def options(variant: Variant) -> list[dict[str, Any]]:
    """Return name, value and description of each option of a network."""
    from models.networks.registry import find

    kind = find(variant.architecture).options
    own_first = sorted(fields(kind), key=lambda field: field.name not in kind.__annotations__)
    meanings = {name: meaning for owner in kind.__mro__ for name, meaning in _attributes(inspect.getdoc(owner) or "")}
    return [
        {
            "name": field.name,
            "value": variant.options.get(field.name, None if field.default is MISSING else field.default),
            "meaning": meanings.get(field.name, ""),
        }
        for field in own_first
    ]


def snippet(variant: Variant) -> str:
    """Return the entries of params.yaml for a student of this network, with its usual weights."""
    from models.networks.registry import find

    frontend = find(variant.architecture).frontend
    name, weights = next(iter(variant.weights.items()), ("scratch", None))
    declared = (
        [f"    {key}: {'null' if (value := getattr(weights, key)) is None else value}" for key in DECLARED]
        if weights
        else ["    source: none"]
    )
    chosen = ", ".join(f"{key}: {value}" for key, value in variant.options.items())
    lines = (
        "frontends:",
        f"  {frontend}: {{duration_s: {CLIP_S}}}",
        "weights:",
        f"  {name}:",
        *declared,
        "student:                # or the same in an entry of `teachers`",
        f"  architecture: {variant.architecture}",
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


def _row(name: str, variant: Variant) -> dict[str, Any]:
    """Return the description of a network for printing, or the reason why it cannot be built."""
    from models.networks.registry import find

    row: dict[str, Any] = {"name": name, "architecture": variant.architecture, "options": dict(variant.options)}
    try:
        row |= {"parameters": parameters(variant)}
    except BreathlineError as error:
        row |= {"parameters": None, "missing": one_line(error)}
    listed = [{"name": key, **asdict(weights)} for key, weights in variant.weights.items()]
    return {**row, "frontend": find(variant.architecture).frontend, "weights": listed}


def _count(row: Mapping[str, Any]) -> str:
    return escape(row["missing"]) if row["parameters"] is None else f"{row['parameters']:,}"


def _show_all(console: Console, rows: list[dict[str, Any]]) -> None:
    columns = (Column("name", no_wrap=True), Column("parameters", justify="right"), "front end")
    shown = table(*columns, Column("published weights", overflow="fold"), "licence")
    for row in rows:
        lines = row["weights"] or [{"name": "none", "licence": ""}]
        for number, weights in enumerate(lines):
            source = f"{weights['name']} [dim]{weights['source']}[/]" if "source" in weights else "[dim]none[/]"
            first = (row["name"], _count(row), row["frontend"]) if number == 0 else ("", "", "")
            shown.add_row(*first, source, weights["licence"])
    console.print(shown)
    console.print(
        "[dim]and timm/<any CNN of timm>; `breathline models NAME` shows options and entries of params.yaml[/]"
    )


def _show_one(console: Console, row: Mapping[str, Any], variant: Variant) -> None:
    from rich.syntax import Syntax

    console.print(f"[bold]{row['name']}[/]: {_count(row)} parameters, front end {row['frontend']}\n", highlight=False)
    shown = table("option", "value", "description")
    for option in row["all_options"]:
        shown.add_row(option["name"], escape(json.dumps(option["value"])), escape(option["meaning"]))
    console.print(shown)
    for name, weights in variant.weights.items():
        console.print(
            f"\n[bold]{name}[/], {weights.licence}, from {weights.learned_from}\n  {weights.source}\n"
            f"  sha256: {weights.sha256 or 'not publicly known; the stage weights records it'}",
            highlight=False,
            soft_wrap=True,
        )
    console.print("\n[bold]for params.yaml[/]")
    console.print(Syntax(snippet(variant), "yaml", background_color="default"))


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    """Yield name and description of each entry in the attributes section of a Google-style docstring."""
    _, _, section = docstring.partition("\nAttributes:\n")
    for entry in re.split(r"\n(?=\S)", textwrap.dedent(section).strip()):
        name, _, meaning = entry.partition(": ")
        yield name, " ".join(meaning.replace("``", "`").split())
