"""Boards as tables of the terminal, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.leaderboards.comparison import DEFINITIONS, Board, Difference, Figure, Row
from tasks.runtime.files import replacing

if TYPE_CHECKING:
    from rich.table import Table

MISSING = "–"
SELECTIONS = {
    "val": "epoch chosen on validation patients (val)",
    "paper": "epoch chosen on the test set (paper)",
}
# The choice of the epoch in published trainings. They excluded no validation patients, unlike the trainings here.
PUBLISHED = {
    "val": "the last epoch of a training that held no patients out, so that the test set was used once",
    "paper": "the epoch chosen on the test set, as here, of trainings that held no patients out",
}


def title(board: Board) -> str:
    """Return the title of a board: the conditions that make its rows comparable."""
    parts = (
        *(("Miniatures",) if board.small else ()),
        board.identity,
        board.labels,
        f"split {board.split}: {board.cycles} cycles of {board.patients} patients",
        SELECTIONS[board.selection],
        board.definition,
    )
    return " · ".join(parts)


def headers(board: Board) -> list[str]:
    """Return the names of a board's columns."""
    interval = f"{100 * board.confidence:g} % interval"
    names = ["recipe", "seeds", f"Score {board.definition}", interval, "Sp", f"Se {board.definition}"]
    return [*names, f"minus {board.rows[0].recipe}", *(() if board.without_published else ("published",))]


def cells(board: Board, row: Row) -> list[str]:
    """Return the cells of a row as texts, in the order of `headers`."""
    published = "; ".join(f"{one.score} ({one.sp}/{one.se}): {one.method}" for one in row.published) or MISSING
    return [
        row.recipe,
        str(len(row.seeds)),
        spread(row.score),
        interval(row.score),
        spread(row.sp),
        spread(row.se),
        difference(row.minus_first),
        *(() if board.without_published else (published,)),
    ]


def spread(figure: Figure) -> str:
    """Return a mean as text, of several seeds with its standard deviation."""
    return _text(figure.mean) + ("" if figure.sd is None else f" ± {figure.sd:.1f}")


def interval(figure: Figure) -> str:
    """Return an interval as text, or a dash where it is undefined."""
    return MISSING if figure.low is None or figure.high is None else f"{figure.low:.1f}–{figure.high:.1f}"


def difference(found: Difference | None) -> str:
    """Return a difference in points with its interval as text; empty for the first recipe itself."""
    if found is None:
        return ""
    if found.difference is None:
        return MISSING
    over = "" if found.low is None or found.high is None else f" ({found.low:+.1f} to {found.high:+.1f})"
    return f"{found.difference:+.1f}{over}".replace("-", "−")


def notes(board: Board) -> Iterator[str]:
    """Yield the notes below a board: definitions, intervals, published figures."""
    yield f"{DEFINITIONS[board.definition]}. Score = (Sp + Se) / 2, in percent; ±: sd over the seeds."
    yield "Intervals: bootstrap over the test patients; differences are paired over them."
    if board.without_published:
        yield f"No published figures for comparison: {board.without_published}."
    else:
        yield f"Published: Score (Sp/Se), of the same definition; {PUBLISHED[board.selection]}."


def rich_table(board: Board) -> Table:
    """Return a board as a table for the terminal."""
    from rich.table import Table

    table = Table(title=title(board), title_justify="left", title_style="bold", header_style="bold", box=None)
    for name in headers(board):
        words = name in {"recipe", "published"}
        # Folded, not cropped: a narrow terminal must not hide digits.
        table.add_column("\n".join(name.rsplit(" ", 1)), justify="left" if words else "right", overflow="fold")
    for row in board.rows:
        table.add_row(*(cell.replace(" (", "\n(", 1) for cell in cells(board, row)))
    return table


def markdown(boards: Sequence[Board]) -> str:
    """Return boards as Markdown."""
    lines = []
    for board in boards:
        names = headers(board)
        lines += [f"### {title(board)}", "", _line(names), _line(["---"] + ["--:"] * (len(names) - 1))]
        lines += [_line(cells(board, row)) for row in board.rows]
        lines += ["", " ".join(notes(board)), ""]
    return "\n".join(lines)


def comma_separated(boards: Sequence[Board]) -> str:
    """Return boards as one CSV table with a line for each recipe, selection and definition."""
    written = StringIO()
    lines = [_flat(board, row) for board in boards for row in board.rows]
    writer = csv.DictWriter(written, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return written.getvalue()


def write(boards: Sequence[Board], folder: Path) -> list[Path]:
    """Write boards as ``leaderboard.json``, ``.csv`` and ``.md``, and return the paths."""
    texts = {
        "json": json.dumps([asdict(board) for board in boards], indent=2, ensure_ascii=False) + "\n",
        "csv": comma_separated(boards),
        "md": markdown(boards),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for suffix, text in texts.items():
        paths.append(folder / f"leaderboard.{suffix}")
        with replacing(paths[-1]) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return paths


def _flat(board: Board, row: Row) -> dict[str, Any]:
    about = asdict(board)
    for key in ("rows", "without_published"):
        about.pop(key)
    line = {"recipe": row.recipe, "seeds": " ".join(row.seeds), **about}
    for name in ("score", "sp", "se"):
        line |= {f"{name}_{key}": value for key, value in asdict(getattr(row, name)).items()}
    minus = row.minus_first or Difference(difference=None, low=None, high=None)
    line |= {f"minus_first_{key}": value for key, value in asdict(minus).items()}
    return line | {"published": "; ".join(f"{one.method}: {one.score}" for one in row.published)}


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(value: float | None) -> str:
    return MISSING if value is None else f"{value:.1f}"
