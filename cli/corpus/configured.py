"""Commands `breathline corpus list`, `show` and `remove`: the corpora that params.yaml names."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column

from cli.options import AsJson
from cli.output import print_json, table
from tasks.runtime.consoles import make_console

if TYPE_CHECKING:
    from flows.corpora.contents import Contents
    from flows.corpora.items import Item

Name = Annotated[str, typer.Argument(help="Name of a corpus in params.yaml.", show_default=False)]


def list_corpora(as_json: AsJson = False) -> None:
    """List the corpora of params.yaml: role, format, source, numbers where they are extracted, licence."""
    from flows.corpora import contents, items

    found = [(item, contents.read(Path(), item)) for item in items.read(Path())]
    if as_json:
        print_json([_fields(item, extracted) for item, extracted in found])
        return
    right = [Column(name, justify="right") for name in ("recordings", "patients", "cycles")]
    shown = table(Column("corpus", overflow="fold"), "role", "format", "source", *right, "licence")
    for item, extracted in found:
        numbers = [f"{one:,}" for one in extracted.numbers.values()] if extracted else ["–"] * 3
        licence = (extracted.licence or "none known") if extracted else "–"
        source = str(item.keys.get("path") or item.keys.get("source") or "")
        shown.add_row(item.name, item.role, str(item.keys.get("format")), escape(source), *numbers, escape(licence))
    console = make_console(highlight=False)
    console.print(shown)
    if any(extracted is None for _, extracted in found):
        console.print("– not extracted yet: `dvc repro` does it.")


def show(name: Name, as_json: AsJson = False) -> None:
    """Show one corpus: its settings, its identity, and its contents where they are extracted."""
    from flows.corpora import contents, items
    from tasks.runtime import params

    item = items.get(Path(), name)
    extracted = contents.read(Path(), item)
    if as_json:
        print_json(_fields(item, extracted))
        return
    console = make_console(highlight=False)
    console.print(f"[bold]{escape(name)}[/] · {item.role} · {escape(str(item.keys.get('format')))}")
    shown = table("", "", show_header=False)
    for key, value in params.flatten(item.keys).items():
        if key != "format" and value not in (None, [], {}):
            shown.add_row(key, escape(str(value)))
    console.print(shown)
    if extracted is None:
        console.print("Not extracted yet: `dvc repro` does it.")
        return
    console.print(f"\n{escape(extracted.statement)}. {escape(extracted.evidence)}")
    counts = table("", "", show_header=False)
    for noun, number in extracted.numbers.items():
        counts.add_row(noun, f"{number:,}")
    for title, values in extracted.values.items():
        counts.add_row(title, escape(", ".join(f"{value} {number:,}" for value, number in values.items())))
    counts.add_row("licence", escape(extracted.licence or "none known"))
    counts.add_row("to cite", escape(extracted.citation or "nothing"))
    console.print(counts)


def remove(name: Name, yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False) -> None:
    """Remove a corpus from params.yaml, with its table and what the stages made of it; DVC's cache keeps copies."""
    from flows.corpora import items
    from flows.processes.run_lock import exclusive_run
    from flows.recipes import writing

    root = Path()
    with exclusive_run(root):
        planned = items.remove(root, name)
        console = make_console(highlight=False)
        normalised = items.table_of(name)
        own = [path for path in (normalised, items.problems_of(name)) if path.exists()]
        stale = [*planned.stale, *own]
        console.print(f"`{name}` will be removed from params.yaml" + (", with:" if stale else "."))
        for path in stale:
            console.print(f"  {path}", soft_wrap=True)
        if not yes and sys.stdin.isatty() and not typer.confirm("Remove this?", default=True):
            raise typer.Exit(1)
        writing.write(root, planned)
        for path in own:
            path.unlink()


def _fields(item: Item, extracted: Contents | None) -> dict[str, Any]:
    """Return a corpus as JSON."""
    return {**asdict(item), "contents": asdict(extracted) if extracted else None}
