"""Where the boxes of a graph stand: in columns, each after all that it depends on, with few crossings.

The method is that of Sugiyama, Tagawa and Toda (IEEE Trans. SMC 11(2), 1981): longest paths give the columns, the mean
place of a box's neighbours its place in the column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter

SWEEPS = 8


def columns(boxes: Iterable[str], arrows: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the boxes by column, from the first causes to the last effects, each column from top to bottom.

    Args:
        boxes: Their ids.
        arrows: From cause to effect; there are no cycles.
    """
    before: dict[str, list[str]] = {box: [] for box in boxes}
    after: dict[str, list[str]] = {box: [] for box in before}
    for cause, effect in arrows:
        before[effect].append(cause)
        after[cause].append(effect)
    order = list(TopologicalSorter(before).static_order())
    level: dict[str, int] = {}
    for box in order:
        level[box] = 1 + max((level[cause] for cause in before[box]), default=-1)
    # What only leads on to something far away moves up to it, so that arrows are short.
    for box in reversed(order):
        if after[box]:
            level[box] = min(level[effect] for effect in after[box]) - 1
    result: list[list[str]] = [[] for _ in range(1 + max(level.values()))]
    for box in order:
        result[level[box]].append(box)
    for sweep in range(SWEEPS):
        for column in result if sweep % 2 == 0 else reversed(result):
            _sort(column, before if sweep % 2 == 0 else after, _places(result))
    return result


def _places(result: list[list[str]]) -> dict[str, float]:
    """Return how far down each box stands in its column, from 0 to 1."""
    return {box: (place + 0.5) / len(column) for column in result for place, box in enumerate(column)}


def _sort(column: list[str], neighbours: Mapping[str, list[str]], place: Mapping[str, float]) -> None:
    def mean(box: str) -> float:
        found = [place[other] for other in neighbours[box]]
        return sum(found) / len(found) if found else place[box]

    column.sort(key=mean)
