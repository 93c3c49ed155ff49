"""Sections of a comparison in words, as the terminal and the HTML page show them."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lineage.diff.changes import Changes
from lineage.diff.comparison import HASHED, Comparison
from lineage.diff.results import Predictions
from tasks.runtime.words import counted

Tone = Literal["good", "bad", "open"]
EFFECTS: Mapping[str, Tone] = {"mended": "good", "broken": "bad", "still wrong": "open"}


@dataclass(frozen=True)
class Row:
    """One difference."""

    mark: str  # kind of the difference: `+`, `-`, `~`, or the effect on a prediction
    tone: Tone  # tone of the mark
    key: str  # name of the item that differs
    text: str = ""  # old and new value in words; empty for an added or removed item


@dataclass(frozen=True)
class Section:
    """Differences of one kind."""

    title: str  # kind of the differences, and their numbers
    state: Literal["changed", "same", "unknown"]  # result of the comparison
    rows: tuple[Row, ...] = ()


def sections(found: Comparison) -> list[Section]:
    """Return the sections of a comparison."""
    return [
        _section("Source", found.source, _old_new),
        _section("Recordings", found.recordings, _columns),
        _section("Cycles", found.cycles, _columns),
        _section("Code", found.code, _lines),
        _section("Parameters", found.parameters, _old_new),
        _section("Environment", found.environment, _old_new),
        _section("Outs of stages", found.stages, _outs),
        _section("Figures", found.figures, _figure),
        _predictions(found.predictions),
    ]


def _section(title: str, changes: Changes | None, describe: Callable[[Any], str]) -> Section:
    if changes is None:
        return Section(f"{title}: unknown for one of the runs", "unknown")
    if not changes:
        return Section(f"{title}: the same", "same")
    counts = {"added": len(changes.added), "removed": len(changes.removed), "changed": len(changes.changed)}
    rows = [Row("+", "good", key) for key in changes.added]
    rows += [Row("-", "bad", key) for key in changes.removed]
    rows += [Row("~", "open", key, describe(change)) for key, change in changes.changed.items()]
    numbers = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return Section(f"{title}: {numbers}", "changed", tuple(rows))


def _predictions(found: Predictions | str) -> Section:
    if isinstance(found, str):
        return Section(f"Predictions: {found}", "unknown")
    effects = Counter(flip.effect for flip in found.flips)
    only = {"first": found.only_old, "second": found.only_new}
    words = [f"{len(found.flips)} of {found.compared} flipped"]
    words += [f"{count} {effect}" for effect, count in sorted(effects.items())]
    words += [f"{count} only in the {which}" for which, count in only.items() if count]
    words += [f"{counted(len(found.relabelled), 'cycle')} annotated differently"] if found.relabelled else []
    rows = (
        Row(
            flip.effect,
            EFFECTS[flip.effect],
            f"{flip.model} {flip.selection} {flip.cycle_id}",
            f"{flip.label}: {flip.old} → {flip.new}",
        )
        for flip in found.flips
    )
    return Section(f"Predictions: {', '.join(words)}", "changed", tuple(rows))


def _old_new(change: list[Any]) -> str:
    return f"{change[0]} → {change[1]}"


def _columns(change: Mapping[str, list[Any]]) -> str:
    return "; ".join(
        name if name in HASHED.values() else f"{name} {_old_new(values)}" for name, values in change.items()
    )


def _lines(change: Mapping[str, int | None]) -> str:
    known = change["added"] is not None
    return f"+{change['added']} -{change['removed']} lines" if known else "number of lines unknown"


def _outs(change: list[Mapping[str, str]]) -> str:
    old, new = change
    paths = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _figure(change: list[Any]) -> str:
    old, new = change
    if isinstance(old, (int, float)) and isinstance(new, (int, float)):
        return f"{old:g} → {new:g} ({new - old:+.4g})"
    return _old_new(change)
