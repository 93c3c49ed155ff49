"""Command `breathline audit manifest`: list of the recordings with the hashes of their files."""

import json
from pathlib import Path
from typing import Annotated

import typer


def manifest(
    as_json: Annotated[
        bool,
        typer.Option("--json", help="print JSON, with archive, metadata and missing recordings of each corpus"),
    ] = False,
) -> None:
    """List the recordings of all corpora as CSV: SHA-256 of wav and annotation, patient, side of the split, corpus."""
    from lineage import manifest as lineage_manifest

    found = lineage_manifest.manifest(Path())
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n" if as_json else lineage_manifest.as_csv(found)
    typer.echo(text, nl=False)
