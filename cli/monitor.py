"""Command `breathline monitor`: drift of a model in use, by its log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cli.options import AsJson
from cli.output import print_json, table
from tasks.monitoring.settings import By, Thresholds
from tasks.runtime.consoles import make_console
from tasks.runtime.words import counted

if TYPE_CHECKING:
    from tasks.monitoring.results import Report

DEFAULT = Thresholds()
TEXTS = ("measure", "result", "largest change", "decision")  # columns that are aligned to the left


def monitor(
    log: Annotated[Path, typer.Argument(help="log of use: the file of `predict --log`", show_default=False)],
    *,
    model: Annotated[
        str | None, typer.Option(help="model whose training is compared; names and default as for `predict`")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the model; default: the lowest")] = None,
    since: Annotated[str | None, typer.Option(help="first date or time, in UTC, such as 2026-11-01")] = None,
    last: Annotated[str | None, typer.Option(help="only the last hours, days or weeks: 12h, 7d, 4w")] = None,
    by: Annotated[By | None, typer.Option(help="compare each day, week or month apart")] = None,
    alert_psi: Annotated[float, typer.Option(min=0.001, help="least PSI of an alert")] = DEFAULT.psi,
    alert_p: Annotated[
        float, typer.Option(min=1e-9, max=0.5, help="level of the tests, which Holm's method corrects")
    ] = DEFAULT.p,
    alert_share: Annotated[
        float, typer.Option(min=0, max=0.99, help="change of the share not judged, uncertain or unlike the training")
    ] = DEFAULT.share,
    recordings: Annotated[
        int, typer.Option(min=10, help="least number of recordings; with fewer nothing is claimed")
    ] = DEFAULT.recordings,
    html: Annotated[Path | None, typer.Option(help="page to write, with the distributions")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a log of use with what its model learned from; end with status 1 if there is drift.

    Recordings are compared by level, spectrum, duration, sample rate and device; predictions by class, confidence and
    distance from the training. Recordings that are not judged are counted, and segments that are uncertain or unlike
    the training.

    Drift says that recordings or predictions are other ones than before. It does not say whether predictions are right:
    that needs labels.
    """
    from cli import loaded_model
    from tasks.monitoring import monitoring, periods
    from tasks.runtime.files import require_writable, write_text

    if html is not None:
        require_writable(html)
    begin = periods.start(since, last, datetime.now(UTC))
    folder, label, _ = loaded_model.find(model, seed, make_console(stderr=True))
    thresholds = Thresholds(psi=alert_psi, p=alert_p, share=alert_share, recordings=recordings)
    report = monitoring.monitor(log, folder, label, begin=begin, by=by, thresholds=thresholds)
    if html is not None:
        from tasks.monitoring import page  # draws figures: slow to import

        write_text(html, page.render(report))
    if as_json:
        print_json(report.as_json())
    else:
        console = make_console(highlight=False)
        _show(report, console)
        if html is not None:
            console.print(f"Written: {html}", markup=False, soft_wrap=True)
    if report.alerts:
        raise typer.Exit(1)


def _show(report: Report, console: Console) -> None:
    """Print the tables of each period, the notes and the result."""
    from tasks.monitoring import texts

    console.print(texts.about(report), markup=False)
    if report.banner:
        console.print(report.banner, style="yellow", markup=False)
    for period in report.periods:
        if len(report.periods) > 1:
            console.print(f"\n[bold]{escape(period.name)}[/] · {counted(period.recordings, 'recording')}")
        console.print()
        console.print(_table(texts.MEASURE_COLUMNS, texts.measure_rows(period)))
        console.print()
        console.print(_table(texts.SHARE_COLUMNS, texts.share_rows(period)))
    console.print()
    for note in (*report.notes, texts.rule(report)):
        console.print(note, style="dim", markup=False)
    console.print(texts.headline(report), style="bold red" if report.alerts else "bold", markup=False)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table whose numbers are aligned to the right."""
    left, right = {"overflow": "fold"}, {"justify": "right", "no_wrap": True}
    found = table(*(Column(name, **(left if name in TEXTS else right)) for name in columns))
    for row in rows:
        found.add_row(*map(escape, row), style="bold" if "DRIFT" in row else None)
    return found
