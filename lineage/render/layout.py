"""Where the boxes of a graph stand: in layers, each behind all that leads to it, with few crossings.

The method is that of Sugiyama, Tagawa and Toda (IEEE Trans. SMC 11(2), 1981): longest paths give the layers, the mean
place of a box's neighbours its place in the layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter

SWEEPS = 8


def layers(boxes: Iterable[str], steps: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the boxes by layer, and each layer from one side to the other.

    Args:
        boxes: Their ids.
        steps: From a box to one in a later layer; there are no cycles.
    """
    before: dict[str, list[str]] = {box: [] for box in boxes}
    after: dict[str, list[str]] = {box: [] for box in before}
    for one, other in steps:
        before[other].append(one)
        after[one].append(other)
    level: dict[str, int] = {}
    for box in TopologicalSorter(before).static_order():
        level[box] = 1 + max((level[one] for one in before[box]), default=-1)
    result: list[list[str]] = [[] for _ in range(1 + max(level.values()))]
    for box, its in level.items():
        result[its].append(box)
    for sweep in range(SWEEPS):
        for layer in result if sweep % 2 == 0 else reversed(result):
            _sort(layer, before if sweep % 2 == 0 else after, _places(result))
    return result


def _places(result: list[list[str]]) -> dict[str, float]:
    """Return how far along its layer each box stands, from 0 to 1."""
    return {box: (place + 0.5) / len(layer) for layer in result for place, box in enumerate(layer)}


def _sort(layer: list[str], neighbours: Mapping[str, list[str]], place: Mapping[str, float]) -> None:
    def mean(box: str) -> float:
        found = [place[other] for other in neighbours[box]]
        return sum(found) / len(found) if found else place[box]

    layer.sort(key=mean)
