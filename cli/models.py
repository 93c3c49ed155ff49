"""`breathline models`: the architectures, how large they are, and the weights that were published for them."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, asdict, fields
from typing import Annotated, Any

import typer
from rich.console import Console

from models.catalogue import MODELS, WEIGHTS, Model, Weights
from tasks.runtime.errors import BreathlineError

EXAMPLES = (
    "Examples: `breathline models` · `breathline models mn04` · `breathline models timm/convnext_atto` · "
    "`breathline models --json | jq '.[] | select(.parameters < 5e6) | .name'`"
)
CLIP_S, CLASSES = 8.0, 4  # what parameters are counted for: the clips of the published works, lungsound_4
TIMM = "timm/"


def models(
    name: Annotated[
        str | None,
        typer.Argument(help="of this list, an architecture, or timm/NAME for any CNN of timm; shows its options"),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="for programs: the same as JSON")] = False,
) -> None:
    """Show the networks there are: exact parameters, front end, published weights and their licence.

    Parameters are counted for clips of 8 s and four classes.
    """
    console = Console()
    with Console(stderr=True).status("Building the networks, without their weights …"):
        found = (
            {name: resolve(name)} if name else {known: (model, _published(model)) for known, model in MODELS.items()}
        )
        rows = [_row(known, *entry) for known, entry in found.items()]
        if name:
            rows[0]["all_options"] = options(found[name][0])
    if as_json:
        typer.echo(json.dumps(rows[0] if name else rows, indent=2))
    elif name:
        _show_one(console, rows[0], *found[name])
    else:
        _show_all(console, rows)


def resolve(name: str) -> tuple[Model, dict[str, Weights]]:
    """Return what a name stands for, and the published weights that fit, by name.

    Raises:
        BreathlineError: It stands for nothing.
    """
    from models.networks.registry import find

    if name in MODELS:
        return MODELS[name], _published(MODELS[name])
    if name.startswith(TIMM):
        return Model(architecture=name, frontend="fbank"), _published_by_timm(name.removeprefix(TIMM))
    try:
        find(name)
    except ValueError as error:
        hint = f"one of {', '.join(MODELS)}, or {TIMM}<any CNN of timm>"
        raise BreathlineError(f"There is no model `{name}`.", where="breathline models", hint=hint) from error
    same = [model for model in MODELS.values() if model.architecture == name]
    published = {weights: WEIGHTS[weights] for model in same for weights in model.weights}
    return Model(architecture=name, frontend=same[0].frontend), published


def parameters(model: Model) -> int:
    """Return how many parameters a model learns, without giving them memory (BEATs' library takes some all the same).

    Raises:
        BreathlineError: It cannot be built, since a library is missing.
    """
    import torch

    from models.frontends.registry import create as create_frontend
    from models.networks.registry import create

    frontend = create_frontend(model.frontend, CLIP_S)
    try:
        with torch.device("meta"):
            network = create(
                model.architecture,
                frames=frontend.frames,
                mels=frontend.mels,
                classes=CLASSES,
                options=model.options,
                weights=None,
            )
    except ValueError as error:
        raise BreathlineError(str(error), where=model.architecture) from error
    return sum(parameter.numel() for parameter in network.parameters())


def options(model: Model) -> list[dict[str, Any]]:
    """Return the options of a model: name, value where params.yaml says nothing else, and meaning."""
    from models.networks.registry import find

    kind = find(model.architecture).options
    meanings = dict(_attributes(inspect.getdoc(kind) or ""))
    return [
        {
            "name": field.name,
            "value": model.options.get(field.name, _default(field)),
            "meaning": meanings[field.name],
        }
        for field in fields(kind)
    ]


def snippet(model: Model, published: Mapping[str, Weights]) -> str:
    """Return what params.yaml must hold for a student of this model, from the usual weights where there are any."""
    name, weights = next(iter(published.items()), ("scratch", None))
    declared = (
        [f"    {key}: {'null' if (value := getattr(weights, key)) is None else value}" for key in _DECLARED]
        if weights
        else ["    source: none"]
    )
    chosen = ", ".join(f"{key}: {value}" for key, value in model.options.items())
    lines = (
        "frontends:",
        f"  {model.frontend}: {{duration_s: {CLIP_S}}}",
        "weights:",
        f"  {name}:",
        *declared,
        "student:                # or the same in an entry of `teachers`",
        f"  architecture: {model.architecture}",
        f"  options: {{{chosen}}}",
        f"  frontend: {model.frontend}",
        f"  weights: {name}",
    )
    return "\n".join(lines)


_DECLARED = ("source", "sha256", "licence")


def _published(model: Model) -> dict[str, Weights]:
    return {name: WEIGHTS[name] for name in model.weights}


def _published_by_timm(name: str) -> dict[str, Weights]:
    """Return timm's own weights of a network, where it has some on the hub.

    Raises:
        BreathlineError: timm has no such network.
    """
    import timm

    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name[:6]}*")[:6]) or "see timm.list_models()"
        raise BreathlineError(f"timm has no network `{name}`.", where="breathline models", hint=f"others: {close}")
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        return {}
    full = name if "." in name or not config.tag else f"{name}.{config.tag}"
    source = f"timm:{full}"
    known = {published.source: (key, published) for key, published in WEIGHTS.items()}
    told = Weights(
        source=source, licence=config.license or "not told", learned_from="what its card tells", layout="timm"
    )
    key, weights = known.get(source, (re.sub(r"\W", "_", full), told))
    return {key: weights}


def _row(name: str, model: Model, published: Mapping[str, Weights]) -> dict[str, Any]:
    """Return all about a model as it is printed; of one that cannot be built here, why."""
    row: dict[str, Any] = {"name": name, "architecture": model.architecture, "options": dict(model.options)}
    try:
        row |= {"parameters": parameters(model)}
    except BreathlineError as error:
        row |= {"parameters": None, "missing": error.what}
    listed = [{"name": key, **asdict(weights)} for key, weights in published.items()]
    return {**row, "frontend": model.frontend, "weights": listed}


def _count(row: Mapping[str, Any]) -> str:
    return row["missing"] if row["parameters"] is None else f"{row['parameters']:,}"


def _show_all(console: Console, rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("parameters", justify="right")
    table.add_column("front end")
    table.add_column("published weights", overflow="fold")
    table.add_column("licence")
    for row in rows:
        lines = row["weights"] or [{"name": "none", "licence": ""}]
        for number, weights in enumerate(lines):
            told = f"{weights['name']} [dim]{weights['source']}[/]" if "source" in weights else "[dim]none[/]"
            first = (row["name"], _count(row), row["frontend"]) if number == 0 else ("", "", "")
            table.add_row(*first, told, weights["licence"])
    console.print(table)
    console.print(f"[dim]and {TIMM}<any CNN of timm>; `breathline models NAME` shows options and how to use one[/]")


def _show_one(console: Console, row: Mapping[str, Any], model: Model, published: Mapping[str, Weights]) -> None:
    from rich.markup import escape
    from rich.syntax import Syntax
    from rich.table import Table

    console.print(f"[bold]{row['name']}[/]: {_count(row)} parameters, front end {row['frontend']}\n", highlight=False)
    table = Table("option", "value", "what it is", box=None, pad_edge=False, header_style="bold")
    for option in row["all_options"]:
        table.add_row(option["name"], escape(json.dumps(option["value"])), escape(option["meaning"]))
    console.print(table)
    for name, weights in published.items():
        console.print(
            f"\n[bold]{name}[/], {weights.licence}, from {weights.learned_from}\n  {weights.source}\n"
            f"  sha256: {weights.sha256 or 'not known for certain; what comes is told'}",
            highlight=False,
            soft_wrap=True,
        )
    console.print("\n[bold]for params.yaml[/]")
    console.print(Syntax(snippet(model, published), "yaml", background_color="default"))


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    """Yield name and meaning of each entry of a Google-style docstring's section of attributes."""
    _, _, section = docstring.partition("\nAttributes:\n")
    for entry in re.split(r"\n(?=\S)", textwrap.dedent(section).strip()):
        name, _, meaning = entry.partition(": ")
        yield name, " ".join(meaning.replace("``", "`").split())


def _default(field: Field[Any]) -> Any:
    return field.default if field.default is not MISSING else None
