"""`breathline audit export`: what the lineage says, in the formats of others."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import replacing

if TYPE_CHECKING:
    from lineage.project import Project

OUT = Path("reports/audit")
EXAMPLES = (
    "Examples: `breathline audit export all` · `breathline audit export croissant` · "
    "`OPENLINEAGE_URL=http://localhost:5000 breathline audit export openlineage` · "
    "`breathline audit export in-toto --key key.pem`, then "
    "`breathline audit verify --signature reports/audit/intoto.dsse.json --key key.pub`"
)


class Kind(StrEnum):
    """What can be exported."""

    OPENLINEAGE = "openlineage"
    PROV = "prov"
    CROISSANT = "croissant"
    IN_TOTO = "in-toto"
    CYCLONEDX = "cyclonedx"
    MODEL_CARD = "model-card"
    DATA_CARD = "data-card"
    ALL = "all"


def export(
    kind: Annotated[Kind, typer.Argument(help="the standard, or all of them")],
    out: Annotated[Path, typer.Option(help="folder to write to")] = OUT,
    key: Annotated[
        Path | None, typer.Option(help="in-toto: sign with this Ed25519 private key (PEM)", dir_okay=False)
    ] = None,
) -> None:
    """Write the lineage for others: OpenLineage, W3C PROV, Croissant, in-toto with SLSA provenance, CycloneDX, cards.

    Exports tell what was recorded; `breathline audit verify` tells whether it still is so.
    """
    if key and kind not in (Kind.IN_TOTO, Kind.ALL):
        raise BreathlineError(
            f"There is nothing to sign in {kind.value}.", hint="`breathline audit export in-toto --key …`"
        )
    from lineage import project

    found = project.load(Path())
    if not found.records:
        raise BreathlineError("No stage has left a record yet.", where="data/lineage", hint="`breathline run`")
    for one in [kind] if kind is not Kind.ALL else [one for one in Kind if one is not Kind.ALL]:
        files = _FILES[one](found, out) if one is not Kind.IN_TOTO else _in_toto(found, key)
        for name, text in files.items():
            with replacing(out / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
            typer.echo(str(out / name))
        if one is Kind.OPENLINEAGE:
            _send(files["openlineage.jsonl"])


def _send(lines: str) -> None:
    from lineage.exports import openlineage_server

    found = [json.loads(line) for line in lines.splitlines()]
    if address := openlineage_server.send(found, os.environ):
        typer.echo(f"{len(found)} events sent to {address}")


def _openlineage(found: Project, _out: Path) -> dict[str, str]:
    from lineage.exports import openlineage

    namespace = os.environ.get("OPENLINEAGE_NAMESPACE") or "breathline"
    return {"openlineage.jsonl": openlineage.lines(openlineage.events(found, namespace))}


def _prov(found: Project, _out: Path) -> dict[str, str]:
    from lineage.exports import prov

    return {"prov.json": _json(prov.document(found))}


def _croissant(found: Project, out: Path) -> dict[str, str]:
    from lineage.exports import croissant

    return {name: _json(described) for name, described in croissant.datasets(found, out).items()}


def _in_toto(found: Project, key: Path | None) -> dict[str, str]:
    from lineage.exports import dsse, intoto

    statement = intoto.statement(found)
    signed = {"intoto.dsse.json": _json(dsse.sign(statement, key))} if key else {}
    return {"intoto.json": _json(statement), **signed}


def _cyclonedx(found: Project, _out: Path) -> dict[str, str]:
    from lineage.exports import cyclonedx

    return {"bom.cdx.json": _json(cyclonedx.bom(found))}


def _model_card(found: Project, _out: Path) -> dict[str, str]:
    from lineage.exports import model_card

    return {"model_card.md": model_card.card(found)}


def _data_card(found: Project, _out: Path) -> dict[str, str]:
    from lineage.exports import data_card

    return {"data_card.md": data_card.card(found)}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


_FILES: dict[Kind, Callable[[Project, Path], dict[str, str]]] = {
    Kind.OPENLINEAGE: _openlineage,
    Kind.PROV: _prov,
    Kind.CROISSANT: _croissant,
    Kind.CYCLONEDX: _cyclonedx,
    Kind.MODEL_CARD: _model_card,
    Kind.DATA_CARD: _data_card,
}
