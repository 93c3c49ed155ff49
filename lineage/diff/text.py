"""A comparison for people: in the terminal, or as an HTML page of the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lineage.diff.changes import Changes
from lineage.diff.comparison import Comparison
from lineage.diff.results import Predictions

FEW = 12  # lines of a section, unless all are asked for


def shown(found: Comparison, *, everything: bool = False) -> Group:
    """Return a comparison as rich shows it.

    Args:
        found: What differs.
        everything: Whether long lists are given whole.
    """
    most = None if everything else FEW
    parts: list[RenderableType] = [Text(f"{found.old[0]} → {found.new[0]}", style="bold")]
    parts += [Text(note, style="yellow") for note in found.notes]
    parts += [
        _section("Source", found.source, most, _old_new),
        _section("Recordings", found.recordings, most, _columns),
        _section("Cycles", found.cycles, most, _columns),
        _section("Code", found.code, most, _lines),
        _section("Parameters", found.parameters, most, _old_new),
        _section("Environment", found.environment, most, _old_new),
        _section("What stages made", found.stages, most, _outs),
        _section("Figures", found.figures, most, _figure),
        _predictions(found.predictions, most),
    ]
    return Group(*parts)


def _section(title: str, changes: Changes | None, most: int | None, say: Callable[[Any], str]) -> RenderableType:
    if changes is None:
        return Text(f"\n{title}: not known of both", style="yellow")
    if not changes:
        return Text(f"\n{title}: the same", style="dim")
    counts = {"added": len(changes.added), "removed": len(changes.removed), "changed": len(changes.changed)}
    head = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    rows = list(_rows(changes, say))
    return _listing(f"{title}: {head}", rows, most)


def _rows(changes: Changes, say: Callable[[Any], str]) -> Iterator[tuple[Text, str, str]]:
    yield from ((Text("+", style="green"), key, "") for key in changes.added)
    yield from ((Text("-", style="red"), key, "") for key in changes.removed)
    yield from ((Text("~", style="yellow"), key, say(change)) for key, change in changes.changed.items())


def _listing(title: str, rows: list[tuple[Text, str, str]], most: int | None) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for mark, key, what in rows[:most]:
        table.add_row(mark, Text(key), Text(what))
    left = len(rows) - len(rows[:most])
    parts: list[RenderableType] = [Text(f"\n{title}", style="bold"), table]
    return Group(*parts, Text(f"  and {left} more (--all)", style="dim")) if left else Group(*parts)


def _predictions(found: Predictions | str, most: int | None) -> RenderableType:
    if isinstance(found, str):
        return Text(f"\nPredictions: {found}", style="yellow")
    effects = Counter(flip.effect for flip in found.flips)
    words = [f"{len(found.flips)} of {found.compared} flipped"]
    words += [f"{count} {effect}" for effect, count in sorted(effects.items())]
    words += [f"{count} only in the {which}" for which, count in _alone(found).items() if count]
    words += [f"{len(found.relabelled)} cycles annotated otherwise"] if found.relabelled else []
    colours = {"mended": "green", "broken": "red", "still wrong": "yellow"}
    rows = [
        (
            Text(flip.effect, style=colours[flip.effect]),
            f"{flip.model} {flip.selection} {flip.cycle_id}",
            f"{flip.label}: {flip.old} → {flip.new}",
        )
        for flip in found.flips
    ]
    return _listing(f"Predictions: {', '.join(words)}", rows, most)


def _alone(found: Predictions) -> Mapping[str, int]:
    return {"first": found.only_old, "second": found.only_new}


def _old_new(change: list[Any]) -> str:
    return f"{change[0]} → {change[1]}"


def _columns(change: Mapping[str, list[Any]]) -> str:
    # A hash tells nobody more than that it is another one.
    hashed = ("audio file", "annotation file", "samples")
    return "; ".join(name if name in hashed else f"{name} {_old_new(values)}" for name, values in change.items())


def _lines(change: Mapping[str, int | None]) -> str:
    known = change["added"] is not None
    return f"+{change['added']} -{change['removed']} lines" if known else "number of lines not known"


def _outs(change: list[Mapping[str, str]]) -> str:
    old, new = change
    paths = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _figure(change: list[Any]) -> str:
    old, new = change
    if isinstance(old, (int, float)) and isinstance(new, (int, float)):
        return f"{old:g} → {new:g} ({new - old:+.4g})"
    return _old_new(change)
