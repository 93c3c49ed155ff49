"""Section of the results by group: columns that the corpus knows, gaps to all other cycles, and pairs of columns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.evaluation.intervals import MIN_PATIENTS
from tasks.evaluation.words import figure, interval, signed
from tasks.reporting.figures import scores
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.runtime.corpus_facts import GroupColumn

FEW = 5  # patients with normal, or with abnormal, cycles; with fewer, a Score and its interval are unreliable
MOST = 20  # values of a column that are shown; some corpora have free text
MARK = "†"


def content(run: RunResults) -> Mapping[str, Any] | None:
    """Return the values of the template; None for a corpus without columns of groups."""
    student = run.metrics["student"]["val"]
    columns = {group.column: group for group in run.facts.group_columns}
    if not columns:
        return None
    found = student["groups"]
    same = [
        f"{group.title.lower()} {group.values.get(value, value)}"
        for name, group in columns.items()
        for value in found[name]
        if len(found[name]) == 1
    ]
    return {
        "groups": [group_table(group, found[name]) for name, group in columns.items() if len(found[name]) > 1],
        "same": ", ".join(same),
        "pairs": [pair_table([columns[name] for name in pair["columns"]], pair) for pair in student["group_pairs"]],
        "pooled": len(run.facts.parts) > 1,
        "least": MIN_PATIENTS,
        "few": FEW,
        "mark": MARK,
    }


def group_table(group: GroupColumn, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return title, rows and picture of the figures by the values of one group column.

    Only the most frequent values are shown; `others` is the number of the others.
    """
    kept = _most_frequent({value: row["cycles"] for value, row in found.items()})
    rows = {group.values.get(value, value): {**found[value], "mark": _mark(found[value])} for value in kept}
    sized = [
        (f"{value}{row['mark']}  ({row['cycles']} cycles, {row['patients']} pat.)", row) for value, row in rows.items()
    ]
    return {
        "title": group.title,
        "rows": rows,
        "others": len(found) - len(rows),
        "picture": scores(sized, f"Scores by {group.title.lower()}"),
    }


def _most_frequent(cycles: Mapping[str, int]) -> list[str]:
    """Return the `MOST` values with the most cycles, sorted."""
    return sorted(sorted(cycles, key=lambda value: (-cycles[value], value))[:MOST])


def pair_table(groups: Sequence[GroupColumn], pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return title, columns and rows of a table of strict Scores by two group columns, the longer one downwards.

    Only the most frequent values are shown; `others` is the number of the others.
    """
    cells, others, values = {tuple(cell["values"]): cell for cell in pair["cells"]}, 0, []
    for side in (0, 1):
        cycles: Counter[str] = Counter()
        for key, one in cells.items():
            cycles[key[side]] += one["cycles"]
        values.append(_most_frequent(cycles))
        others += len(cycles) - len(values[side])
    down, across = (0, 1) if len(values[0]) >= len(values[1]) else (1, 0)

    def cell(row: str, column: str) -> Mapping[str, Any] | None:
        return cells.get((row, column) if down == 0 else (column, row))

    return {
        "title": f"{groups[down].title} × {groups[across].title.lower()}",
        "others": others,
        "columns": [groups[across].values.get(value, value) for value in values[across]],
        "rows": {
            groups[down].values.get(row, row): [_cell(cell(row, column)) for column in values[across]]
            for row in values[down]
        },
    }


def _cell(found: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the texts of a cell: the strict Score, and as details its interval, its gap with interval, and counts."""
    if found is None:
        return {"score": "", "details": []}
    known, counts = found["score_strict"] is not None, f"{found['cycles']} cycles, {found['patients']} pat."
    gap = found["gap"]["score_strict"] if "gap" in found else {"difference": None, "low": None, "high": None}
    details = [
        f"({interval(found['low'], found['high'])})" if found["low"] is not None else "",
        f"gap {signed(gap['difference'])}" if gap["difference"] is not None else "",
        f"({signed(gap['low'])} to {signed(gap['high'])})" if gap["low"] is not None else "",
        counts,
    ]
    return {
        "score": figure(found["score_strict"]) + (_mark(found) if known else ""),
        "details": [text for text in details if text],
    }


def _mark(row: Mapping[str, Any]) -> str:
    return MARK if min(row["patients_normal"], row["patients_abnormal"]) < FEW else ""


SECTION = Section(title="Results by group", order=400, content=content)
