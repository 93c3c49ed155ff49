"""Bins of a reference: between edges for numbers, a category each for names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tasks.monitoring import comparison
from tasks.monitoring.reference import Values, counts
from tasks.runtime.words import printable


@dataclass(frozen=True)
class Bins:
    """Bins of one distribution.

    Attributes:
        names: Name of each bin for people.
        shares: Share of the reference in each bin ``(bins,)``.
        place: Function from values to their number in each bin ``(bins,)``.
        p_value: Test of a sample against the reference (`tasks.monitoring.comparison`).
    """

    names: tuple[str, ...]
    shares: Values
    place: Callable[[Sequence[Any]], Values]
    p_value: Callable[[Values, int, Values], float]


def of(expected: Mapping[str, Any], found: Iterable[Sequence[Any]]) -> Bins:
    """Return the bins of a distribution in a reference.

    Args:
        expected: `edges` and `shares`, or the share of each category by its name.
        found: Values of each recording; categories that the reference lacks get bins of their own.
    """
    if "edges" in expected:
        edges = expected["edges"]
        inner = (f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges))
        names = (f"below {edges[0]:.3g}", *inner, f"{edges[-1]:.3g} and above")
        return Bins(names, np.array(expected["shares"]), lambda values: counts(edges, values), comparison.ordered_p)
    new = {value for values in found for value in values} - set(expected)
    names = (*expected, *sorted(new))
    place = {name: index for index, name in enumerate(names)}
    return Bins(
        tuple(map(printable, names)),
        np.array([expected.get(name, 0.0) for name in names]),
        lambda values: np.bincount([place[value] for value in values], minlength=len(names)).astype(np.float64),
        comparison.unordered_p,
    )
