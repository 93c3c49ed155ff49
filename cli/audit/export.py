"""`breathline audit export`: the lineage in standard formats."""

import importlib
import json
import os
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from flows.new_recordings.defaults import MARGIN, METRIC
from tasks.artifacts import AUDIT_EXPORTS, RECORDS
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_text

# A new export is a module of `lineage.exports` with a function `files`, and its name here.
Export = Literal["openlineage", "prov", "croissant", "in-toto", "cyclonedx", "model-card", "data-card", "pccp"]
Kind = Literal[Export, "all"]


def export(
    kind: Annotated[Kind, typer.Argument(help="the standard, or all of them")],
    out: Annotated[Path, typer.Option(help="folder to write to")] = AUDIT_EXPORTS,
    key: Annotated[
        Path | None, typer.Option(help="in-toto: sign with this Ed25519 private key (PEM)", dir_okay=False)
    ] = None,
    metric: Annotated[str | None, typer.Option(help=f"pccp: metric of `breathline watch` ({METRIC})")] = None,
    margin: Annotated[
        float | None, typer.Option(min=0, help=f"pccp: margin of `breathline watch` in points ({MARGIN:g})")
    ] = None,
) -> None:
    """Write the lineage in standard formats: OpenLineage, PROV, Croissant, in-toto, CycloneDX, cards, FDA's PCCP.

    Exports repeat what was recorded; `breathline audit verify` checks whether the files are still as recorded.
    """
    if key and kind not in ("in-toto", "all"):
        raise BreathlineError(f"There is nothing to sign in {kind}.", hint="`breathline audit export in-toto --key …`")
    if (metric or margin is not None) and kind not in ("pccp", "all"):
        hint = "`breathline audit export pccp --margin …`"
        raise BreathlineError(f"{kind} has no metric and no margin.", hint=hint)
    from flows.new_recordings.promotion import protocol
    from lineage import project
    from lineage.exports import openlineage_server
    from lineage.exports.request import Request

    rule = protocol(metric or METRIC, MARGIN if margin is None else margin)
    request = Request(project.load(Path()), out, key, rule)
    if not request.project.records:
        raise BreathlineError("No stage has left a record yet.", where=RECORDS, hint="`breathline run`")
    for name in get_args(Export) if kind == "all" else [kind]:
        files: dict[str, str] = importlib.import_module(f"lineage.exports.{name.replace('-', '_')}").files(request)
        for file, text in files.items():
            write_text(out / file, text)
            typer.echo(str(out / file))
        if name == "openlineage":
            events = [json.loads(line) for line in files["openlineage.jsonl"].splitlines()]
            if address := openlineage_server.send(events, os.environ):
                typer.echo(f"{len(events)} events sent to {address}")
