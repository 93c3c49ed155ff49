"""Leaderboards as tables of the terminal, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.leaderboards.comparison import DEFINITIONS, Figure, Leaderboard, Row
from flows.leaderboards.differences import Difference
from flows.publish.markdown import table as markdown_table
from tasks.evaluation.words import (
    DEGENERATE,
    MISSING,
    SELECTIONS,
    flagged,
    interval,
    of_two_seeds,
    p_value,
    signed,
    spread,
)
from tasks.runtime.files import write_text
from tasks.runtime.words import counted

if TYPE_CHECKING:
    from rich.table import Table

# The choice of the epoch in published trainings. They excluded no validation patients, unlike the trainings here.
PUBLISHED = {
    "val": "the last epoch of a training that held no patients out, so that the test set was used once",
    "paper": "the epoch chosen on the test set, as here, of trainings that held no patients out",
}


def title(leaderboard: Leaderboard) -> str:
    """Return the title of a leaderboard: the conditions that make its rows comparable."""
    parts = (
        *(("Miniatures",) if leaderboard.small else ()),
        leaderboard.identity,
        leaderboard.labels,
        f"split {leaderboard.split}: {leaderboard.cycles} cycles of {leaderboard.patients} patients",
        f"{SELECTIONS[leaderboard.selection]} ({leaderboard.selection})",
        leaderboard.definition,
    )
    return " · ".join(parts)


def headers(leaderboard: Leaderboard) -> list[str]:
    """Return the names of a leaderboard's columns."""
    interval = f"{100 * leaderboard.confidence:g} % interval"
    names = ["recipe", "seeds", f"Score {leaderboard.definition}", interval, "Sp", f"Se {leaderboard.definition}"]
    return [*names, f"minus {leaderboard.rows[0].recipe}", *(() if leaderboard.without_published else ("published",))]


def cells(leaderboard: Leaderboard, row: Row) -> list[str]:
    """Return the cells of a row as texts, in the order of `headers`."""
    published = "; ".join(f"{one.score} ({one.sp}/{one.se}): {one.method}" for one in row.published) or MISSING
    return [
        flagged(row.recipe, row.degenerate),
        str(len(row.seeds)),
        spread(row.score.mean, row.score.sd),
        interval(row.score.low, row.score.high) + _over_seeds(row.score, interval),
        spread(row.sp.mean, row.sp.sd),
        spread(row.se.mean, row.se.sd),
        difference(row.minus_first),
        *(() if leaderboard.without_published else (published,)),
    ]


def difference(found: Difference | None) -> str:
    """Return a difference in points with interval and p-value as text; empty for the first recipe itself."""
    if found is None:
        return ""
    if found.difference is None:
        return MISSING
    if found.equal:
        return "none (equal predictions)"
    over = "" if found.low is None or found.high is None else f" ({_signed(found.low, found.high)})"
    parts = [signed(found.difference) + over + _over_seeds(found, _signed), f"p {p_value(found.p_holm)}"]
    return "; ".join([*parts, *(["degenerate"] if found.degenerate else [])])


def notes(leaderboard: Leaderboard) -> Iterator[str]:
    """Yield the notes below a leaderboard: definitions, intervals, tests, degenerate networks, published figures."""
    yield f"{DEFINITIONS[leaderboard.definition]}. Score = (Sp + Se) / 2, in percent; ±: sd over the seeds."
    yield (
        "Intervals: over the test patients with networks fixed (jackknife, Student's t), and in square brackets over "
        "patients and seeds, for several seeds. Differences are paired over patients."
    )
    if warning := of_two_seeds(len(row.seeds) for row in leaderboard.rows):
        yield warning
    number = sum(row.minus_first is not None for row in leaderboard.rows)
    if number:
        yield (
            "p: permutation test that swaps whole patients, with networks fixed, corrected by Holm's method for "
            f"{counted(number, 'comparison')}. leaderboard.csv and .json have it without correction, and McNemar's "
            "test of each pair of networks, which treats cycles as independent."
        )
    if any(row.degenerate for row in leaderboard.rows):
        yield f"degenerate, with the seeds: {DEGENERATE}."
    for row in leaderboard.rows:
        if row.augmentation:
            yield f"{row.recipe} has {row.augmentation}. Networks without it may do less well for that reason alone."
    if leaderboard.without_published:
        yield f"No published figures for comparison: {leaderboard.without_published}."
    else:
        yield f"Published: Score (Sp/Se), of the same definition; {PUBLISHED[leaderboard.selection]}."


def rich_table(leaderboard: Leaderboard) -> Table:
    """Return a leaderboard as a table for the terminal."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title(leaderboard), title_justify="left", title_style="bold", header_style="bold", box=None)
    for name in headers(leaderboard):
        words = name in {"recipe", "published"}
        # Folded, not cropped: a narrow terminal must not hide digits.
        table.add_column("\n".join(name.rsplit(" ", 1)), justify="left" if words else "right", overflow="fold")
    for row in leaderboard.rows:
        table.add_row(*(escape(_in_lines(cell)) for cell in cells(leaderboard, row)))
    return table


def markdown(leaderboards: Sequence[Leaderboard]) -> str:
    """Return leaderboards as Markdown."""
    parts = []
    for leaderboard in leaderboards:
        names, rows = headers(leaderboard), [cells(leaderboard, row) for row in leaderboard.rows]
        table = markdown_table(names, rows, right=range(1, len(names)))
        parts += [f"### {title(leaderboard)}", table, " ".join(notes(leaderboard))]
    return "\n\n".join(parts) + "\n"


def comma_separated(leaderboards: Sequence[Leaderboard]) -> str:
    """Return leaderboards as one CSV table with a line for each recipe, selection and definition."""
    written = StringIO()
    lines = [line for leaderboard in leaderboards for line in _flat(leaderboard)]
    writer = csv.DictWriter(written, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return written.getvalue()


def write(leaderboards: Sequence[Leaderboard], folder: Path) -> list[Path]:
    """Write leaderboards as ``leaderboard.json``, ``.csv`` and ``.md``, and return the paths."""
    listed = [asdict(leaderboard) for leaderboard in leaderboards]
    texts = {
        folder / "leaderboard.json": json.dumps(listed, indent=2, ensure_ascii=False) + "\n",
        folder / "leaderboard.csv": comma_separated(leaderboards),
        folder / "leaderboard.md": markdown(leaderboards),
    }
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def _in_lines(cell: str) -> str:
    """Return a cell with intervals, p-value and flag on lines of their own."""
    return cell.replace(" (", "\n(", 1).replace(" [", "\n[").replace("; ", "\n")


def _signed(low: float | None, high: float | None) -> str:
    return f"{signed(low)} to {signed(high)}"


def _over_seeds(found: Figure | Difference, text: Callable[[float | None, float | None], str]) -> str:
    """Return the interval over patients and seeds in square brackets; empty if it is undefined."""
    return "" if found.low_seeds is None else f" [{text(found.low_seeds, found.high_seeds)}]"


def _flat(leaderboard: Leaderboard) -> Iterator[dict[str, Any]]:
    """Yield a line without nested values for each recipe."""
    about = asdict(replace(leaderboard, rows=()))
    for key in ("rows", "without_published"):
        about.pop(key)
    for row in leaderboard.rows:
        line = {"recipe": row.recipe, "seeds": " ".join(row.seeds), "degenerate": row.degenerate, **about}
        line["augmentation"] = row.augmentation
        for name in ("score", "sp", "se"):
            line |= {f"{name}_{key}": value for key, value in asdict(getattr(row, name)).items()}
        minus = row.minus_first or Difference(difference=None)
        line |= {f"minus_first_{key}": value for key, value in asdict(minus).items()}
        yield line | {"published": "; ".join(f"{one.method}: {one.score}" for one in row.published)}
