"""Comparison of two runs in the terminal, and as an HTML page of one file."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineage.diff.comparison import Comparison
from lineage.diff.sections import Section, sections
from tasks.runtime import templates

FEW = 12  # rows of a section, unless all are requested
COLOURS = {"good": "green", "bad": "red", "open": "yellow"}
TITLES = {"changed": "bold", "same": "dim", "unknown": "yellow"}


def shown(found: Comparison, *, everything: bool = False) -> Group:
    """Return a comparison as rich prints it, with long lists in full if `everything` is set."""
    parts: list[RenderableType] = [Text(f"{found.old[0]} → {found.new[0]}", style="bold")]
    parts += [Text(note, style="yellow") for note in found.notes]
    return Group(*parts, *(_section(section, None if everything else FEW) for section in sections(found)))


def page(found: Comparison) -> str:
    """Return the HTML page, with all differences."""
    return templates.render(__package__, "page.html.j2", found=found, sections=sections(found)) + "\n"


def _section(section: Section, most: int | None) -> Group:
    parts: list[RenderableType] = [Text(f"\n{section.title}", style=TITLES[section.state])]
    if section.rows:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(overflow="fold")
        for row in section.rows[:most]:
            table.add_row(Text(row.mark, style=COLOURS[row.tone]), Text(row.key), Text(row.text))
        parts.append(table)
    if left := len(section.rows) - len(section.rows[:most]):
        parts.append(Text(f"  and {left} more (--all)", style="dim"))
    return Group(*parts)
