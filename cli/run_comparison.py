"""Output of `breathline report --compare`: tables of runs side by side, and their page."""

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from cli.output import print_json
from flows.run_comparison import comparison, page, texts
from flows.run_comparison.comparison import Comparison
from tasks.evaluation.words import definitions
from tasks.runtime.consoles import make_console
from tasks.runtime.files import write_text


def show(root: Path, names: Sequence[str], out: Path, *, as_json: bool = False) -> None:
    """Print runs side by side with the current results of a project, as tables or as JSON, and write the page.

    Args:
        root: Folder of the project.
        names: Names of the other runs.
        out: Path of the page.
        as_json: Whether JSON is printed.
    """
    console = make_console(highlight=False)
    found = comparison.compare(root, list(dict.fromkeys(names)))
    write_text(out, page.render(found))
    if as_json:
        print_json({**found.as_json(), "page": str(out)})
        return
    console.print(f"\n{texts.about(found)}\n", markup=False)
    for definition in definitions(found.first.metrics["classes"]):
        console.print(_table(found, definition))
        console.print()
    for note in texts.notes(found):
        console.print(note, style="dim", markup=False)
    for one in found.others:
        for line in texts.changes(one):
            console.print(f"{one.source.title} · {line}", markup=False)
    console.print(
        f"\n[bold]{escape(str(out))}[/]  differences by class and group, settings, training curves", soft_wrap=True
    )


def _table(found: Comparison, definition: str) -> Table:
    """Return a table that fits 80 columns: intervals are on lines of their own, and long names are folded."""
    run, seeds, score, limits, *others = texts.headers(found, definition)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(run, overflow="fold")
    for name in (seeds, f"{score}\n{limits}", *(name.replace(" ", "\n", 1) for name in others)):
        table.add_column(escape(name), justify="right", no_wrap=True)
    for place, (name, seeds, score, limits, *others) in enumerate(texts.rows(found, definition)):
        cells = [
            name,
            seeds,
            f"{score}\n{limits}",
            *(cell.replace(" (", "\n(").replace(" [", "\n[").replace("; ", "\n") for cell in others),
        ]
        table.add_row(*map(escape, cells), style="bold" if place == 0 else None)
    return table
