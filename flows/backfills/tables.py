"""What the cases of a backfill scored, as tables of what may be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.backfills.variants import Case
from flows.publish import markdown, scores
from tasks.runtime.files import replacing

# The code that turns predictions into scores: where it differs between commits, the same name may mean something else.
DEFINITION = ("models/metrics.py", "tasks/evaluation/bootstrap.py")
MISSING = "–"


@dataclass(frozen=True)
class Table:
    """Cases that were measured on the same test cycles, with the same labels, selection and definition of the metrics.

    Attributes:
        selection: How the epoch was chosen.
        title: What was measured, in words.
        header: What stands above the columns.
        rows: A case's name, then its scores in percent; None where one is not defined.
    """

    selection: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]

    @property
    def records(self) -> list[dict[str, str | float | None]]:
        """The rows, by column."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]


def tables(workspaces: Mapping[Path, Case]) -> list[Table]:
    """Return a table for every set of cases that may be compared; those without scores are left out.

    Args:
        workspaces: The cases, by the folder of their workspace.
    """
    groups: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for folder, case in workspaces.items():
        if found := scores.read(folder):
            measured = str(found.pop(scores.MEASURED))
            for selection in dict.fromkeys(key.partition(".")[0] for key in found):
                mine = {key: value for key, value in found.items() if key.startswith(f"{selection}.")}
                groups.setdefault((selection, measured, _definition(folder)), {})[case.name] = mine
    definitions = list(dict.fromkeys(definition for _, _, definition in groups))
    found_tables = []
    for (selection, measured, definition), members in groups.items():
        title = f"{measured or 'What was measured is not recorded'}, epoch chosen on {selection}"
        if len(definitions) > 1:
            title += f", metrics as defined by version {definitions.index(definition) + 1} of {DEFINITION[0]}"
        found_tables.append(_table(selection, title, members))
    return found_tables


def write(found: Sequence[Table], folder: Path) -> list[Path]:
    """Write tables as ``backfill.json`` and ``backfill.md``, and return the paths."""
    listed = [{"selection": one.selection, "measured": one.title, "cases": one.records} for one in found]
    texts = {"json": json.dumps(listed, indent=2, ensure_ascii=False) + "\n", "md": show(found)}
    paths = []
    for suffix, text in texts.items():
        paths.append(folder / f"backfill.{suffix}")
        with replacing(paths[-1]) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return paths


def show(found: Sequence[Table]) -> str:
    """Return tables as Markdown."""
    parts = []
    for one in found:
        rows = [[markdown.text(row[0]), *map(number, row[1:])] for row in one.rows]
        parts += [f"### {one.title}", markdown.table(one.header, rows, right=range(1, len(one.header)))]
    return "\n\n".join([*parts, "Scores in percent; Score = (Sp + Se) / 2."]) + "\n"


def number(value: Any) -> str:
    """Return a score for readers."""
    return MISSING if value is None else f"{value:.2f}"


def _table(selection: str, title: str, members: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = dict.fromkeys(key for found in members.values() for key in found)
    return Table(
        selection,
        title,
        ("case", *(key.removeprefix(f"{selection}.").replace(".", " ") for key in columns)),
        tuple((name, *(found.get(key) for key in columns)) for name, found in members.items()),
    )


def _definition(workspace: Path) -> str:
    """Return a hash of the code that defines the metrics."""
    code = [(workspace / name).read_bytes() for name in DEFINITION if (workspace / name).is_file()]
    return hashlib.sha256(b"".join(code)).hexdigest()
