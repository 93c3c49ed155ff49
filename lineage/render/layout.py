"""Layered layout of a graph with few crossings (Sugiyama, Tagawa and Toda, IEEE Trans. SMC 11(2), 1981).

The longest path to a box gives its layer. The mean position of its neighbours gives its position in the layer.
"""

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter

SWEEPS = 8


def layers(boxes: Iterable[str], steps: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the layers of an acyclic graph, each from left to right; a step leads to a later layer."""
    predecessors: dict[str, list[str]] = {box: [] for box in boxes}
    successors: dict[str, list[str]] = {box: [] for box in predecessors}
    for one, other in steps:
        predecessors[other].append(one)
        successors[one].append(other)
    level: dict[str, int] = {}
    for box in TopologicalSorter(predecessors).static_order():
        level[box] = 1 + max((level[one] for one in predecessors[box]), default=-1)
    result: list[list[str]] = [[] for _ in range(1 + max(level.values()))]
    for box, number in level.items():
        result[number].append(box)
    for sweep in range(SWEEPS):
        for layer in result if sweep % 2 == 0 else reversed(result):
            # Positions in a layer are from 0 (left) to 1 (right).
            places = {box: (index + 0.5) / len(row) for row in result for index, box in enumerate(row)}
            _sort(layer, predecessors if sweep % 2 == 0 else successors, places)
    return result


def _sort(layer: list[str], neighbours: Mapping[str, list[str]], positions: Mapping[str, float]) -> None:
    """Sort a layer by the mean position of the neighbours of each box."""

    def mean(box: str) -> float:
        found = [positions[other] for other in neighbours[box]]
        return sum(found) / len(found) if found else positions[box]

    layer.sort(key=mean)
