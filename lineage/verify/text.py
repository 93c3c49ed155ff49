"""Report of a verification for the terminal."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lineage.verify import summary
from lineage.verify.findings import Finding, Report
from tasks.runtime.words import counted


def show(report: Report, console: Console, *, everything: bool) -> None:
    """Print errors, notes and the verdict of a report; all findings of each kind if `everything` is set."""
    if report.errors:
        console.print(_table("difference", report.errors, "red", everything=everything))
    if report.notes:
        console.print(_table("note", report.notes, "yellow", everything=everything))
    console.print(_verdict(report))


def _table(title: str, findings: Sequence[Finding], colour: str, *, everything: bool) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0), header_style="bold")
    table.add_column("kind", style=colour, no_wrap=True)
    table.add_column(title, overflow="fold", ratio=3)
    table.add_column("downstream", style="dim", overflow="fold", ratio=1)
    for finding in findings if everything else summary.first(findings):
        about = Group(Text(finding.where, style="bold"), Text(finding.what))
        below = finding.downstream if everything else summary.grouped(finding.downstream)
        table.add_row(finding.kind, about, ", ".join(below))
    left = {} if everything else summary.omitted_counts(findings)
    more = [f"{count} more of the kind {kind}: --all" for kind, count in left.items()]
    return Group(table, *(Padding(Text(line, style="dim"), (0, 0, 1, 0)) for line in more))


def _verdict(report: Report) -> str:
    extent = f"{counted(report.files, 'file')}, {report.bytes / 1e6:.0f} MB, {sum(report.checks.values()):.1f} s"
    if report.errors:
        stages = {stage for finding in report.errors for stage in (*finding.stages, *finding.downstream)}
        errors = counted(len(report.errors), "difference")
        affected = f", {counted(len(stages), 'stage')} affected" if stages else ""
        return f"[bold red]Not verified[/]: {errors}{affected} [dim]({escape(extent)})[/]"
    notes = f"; {counted(len(report.notes), 'note')}" if report.notes else ""
    return f"[bold green]Verified[/]: everything is as recorded{notes} [dim]({escape(extent)})[/]"
