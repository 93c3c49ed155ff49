"""Drawing of folds by patient, for corpora without a published division."""

import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tasks.runtime.params import natural

FOLDS = 5


def draw(patients: Sequence[str], strata: Sequence[str], *, seed: int, folds: int = FOLDS) -> dict[str, int]:
    """Return the fold of every patient, stratified by class; equal rows in any order give equal folds.

    Args:
        patients: Patient of each row, such as a cycle.
        strata: Class of each row.
        seed: Random seed of the drawing.
        folds: Number of folds; fewer are drawn if there are fewer patients, or fewer rows of the largest class.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # slow to import, and few corpora need it

    rows = sorted(zip(patients, strata, strict=True), key=lambda row: (natural(row[0]), row[1]))
    people = list(dict.fromkeys(patient for patient, _ in rows))
    number = min(folds, len(people), max(Counter(stratum for _, stratum in rows).values(), default=0))
    if number < 2:
        return dict.fromkeys(people, 0)
    groups = np.array([patient for patient, _ in rows])
    classes = np.array([stratum for _, stratum in rows])
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # rare classes are not in every fold
        parts = [part for _, part in splitter.split(groups, classes, groups)]
    return {str(groups[row]): fold for fold, part in enumerate(parts) for row in part}
