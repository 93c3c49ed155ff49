"""Choice of a few cycles of many classes and patients."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np


def choose(
    cycles: Sequence[str], labels: Mapping[str, int], patients: Mapping[str, str], *, count: int, seed: int
) -> list[str]:
    """Return a random choice of cycles, sorted: from each class in turn, each time of the patient chosen least so far.

    Args:
        cycles: Ids of the cycles to choose from.
        labels: Class of each cycle.
        patients: Patient of each cycle.
        count: Number of cycles; all if there are fewer.
        seed: Random seed.
    """
    shuffled = [cycles[at] for at in np.random.default_rng(seed).permutation(len(cycles))]
    classes = sorted({labels[cycle] for cycle in cycles})
    left = {name: [cycle for cycle in shuffled if labels[cycle] == name] for name in classes}
    chosen, used = list[str](), Counter[str]()
    while len(chosen) < min(count, len(cycles)):
        for own in left.values():
            if own and len(chosen) < count:
                cycle = min(own, key=lambda one: used[patients[one]])
                own.remove(cycle)
                chosen.append(cycle)
                used[patients[cycle]] += 1
    return sorted(chosen)
