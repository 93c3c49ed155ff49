"""`breathline audit verify`: has anything changed since it was made?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tasks.runtime.errors import BreathlineError

SAMPLE = 32
EXAMPLES = (
    "Examples: `breathline audit verify` · `breathline audit verify --deep --sample 100` · "
    "`breathline audit verify --absent patient:101` · "
    "`breathline audit verify --json | jq '.findings[] | {kind, where}'`"
)


def verify(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="also compute a sample of cycles, features and predictions anew")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="with --deep: how many cycles of each kind", show_default=str(SAMPLE)),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="with --deep: which cycles", show_default="0")] = None,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="it ran on another machine: packages and log are those of there")
    ] = False,
    signature: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="also check this signed statement (`audit export in-toto --key`)"
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="with --signature: the public key (PEM)")
    ] = None,
    absent: Annotated[
        list[str] | None, typer.Option(metavar="patient:N", help="nothing of this patient may be left (repeatable)")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="every difference, every stage")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs: all of it as JSON")] = False,
) -> None:
    """Check everything that lies there against records, dvc.lock, cache, event log and Git; status 1 if it differs.

    Errors are what is not as recorded; notes are what has to be known, such as a run on a dirty tree. Of DVC's cache
    the objects that dvc.lock names are read, with --deep all of them.
    """
    if (signature is None) != (key is None):
        raise BreathlineError("A signature is checked by a key.", hint="give both --signature and --key")
    if not deep and (sample is not None or seed is not None):
        where = "--sample, --seed"
        raise BreathlineError("Nothing is computed anew without --deep.", where=where, hint="give --deep as well")
    from lineage.verify import text, verification
    from lineage.verify.findings import Depth
    from lineage.verify.signature import Signed

    signed = Signed(envelope=signature, key=key) if signature and key else None
    wanted = Depth(sample=SAMPLE if sample is None else sample, seed=seed or 0) if deep else None
    with Console(stderr=True).status("Reading everything that was recorded …"):
        report = verification.verify(Path.cwd(), deep=wanted, elsewhere=elsewhere, signed=signed, absent=absent or ())
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        text.show(report, Console(highlight=False), everything=everything)
    if report.errors:
        raise typer.Exit(1)
