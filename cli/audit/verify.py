"""Command `breathline audit verify`: comparison of all artifacts with their records."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import print_json
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError

SAMPLE = 32


def verify(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="also recompute a sample of cycles, features and predictions")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="with --deep: number of cycles of each kind", show_default=str(SAMPLE)),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="with --deep: random seed of the sample", show_default="0")] = None,
    retrain: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="with --deep: number of trainings to repeat, as `audit reproduce` does; consecutive seeds take turns. "
            "The recorded code is executed.",
            show_default="none",
        ),
    ] = None,
    elsewhere: Annotated[
        bool,
        typer.Option(
            "--elsewhere", help="the stages ran on another machine, whose packages and event log are not here"
        ),
    ] = False,
    signature: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="also check a signed statement (`audit export in-toto --key`)"),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="with --signature: the public key (PEM)")
    ] = None,
    log_key: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="also check that the entries of the event log are signed with this public key (PEM; repeatable)",
        ),
    ] = None,
    absent: Annotated[
        list[str] | None, typer.Option(metavar="patient:N", help="also check that this patient is absent (repeatable)")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="print every difference and stage")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Compare all artifacts with records, dvc.lock, cache, event log and Git; end with status 1 if they differ.

    An error is a difference from the record. A note is a fact to know, such as a run on a dirty tree. In DVC's cache,
    the objects of dvc.lock are read; with --deep, all objects.
    """
    if (signature is None) != (key is None):
        raise BreathlineError("A signature is checked with a key.", hint="give both --signature and --key")
    if not deep and any(given is not None for given in (sample, seed, retrain)):
        where = "--sample, --seed, --retrain"
        raise BreathlineError("Nothing is recomputed without --deep.", where=where, hint="give --deep as well")
    from lineage.verify import text, verification
    from lineage.verify.findings import Sample
    from lineage.verify.signature import SignedStatement

    signed = SignedStatement(envelope=signature, key=key) if signature and key else None
    wanted = Sample(sample=SAMPLE if sample is None else sample, seed=seed or 0, retrain=retrain or 0) if deep else None
    with make_console(stderr=True).status("Reading all artifacts …"):
        report = verification.verify(
            Path.cwd(),
            deep=wanted,
            elsewhere=elsewhere,
            signed=signed,
            absent=absent or (),
            log_keys=log_key or (),
        )
    if as_json:
        print_json(report.as_json())
    else:
        text.show(report, make_console(highlight=False), everything=everything)
    if report.errors:
        raise typer.Exit(1)
