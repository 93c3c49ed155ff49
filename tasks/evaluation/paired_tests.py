"""Tests of paired differences between models: permutation by patient, McNemar by cycle, and Holm's correction.

The permutation test swaps the predictions of the two sides for whole patients, because cycles of one patient resemble
each other. McNemar's test is of two single networks and treats cycles as independent: its p-values are too small where
patients differ.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, permutation_test

from models.metrics import SCORES, Counts

AT_ONCE = 1_000_000  # signs that are in memory together; they change no result


def permutation(one: Sequence[Counts], other: Sequence[Counts], *, resamples: int, seed: int) -> dict[str, float]:
    """Return the two-sided p-value of the difference of both mean Scores, by the name of the Score.

    A Score is a sum over patients, so that a swap changes the sign of the patient's part of the difference.

    Args:
        one: The patients' confusion matrices ``(patients, classes, classes)`` of each model on the first side.
        other: The same of each model on the other side.
        resamples: Number of random swaps. If there are not more swaps than that, each is counted once.
        seed: Random seed of the swaps.

    Returns:
        NaN without normal or without abnormal cycles, and for a single patient.
    """
    first, second = (np.mean(np.stack(side), axis=0) for side in (one, other))
    parts = {name: found - by_patient(second)[name] for name, found in by_patient(first).items()}
    return {name: _sign_flips(part, resamples, seed) for name, part in parts.items()}


def by_patient(matrices: Counts) -> dict[str, npt.NDArray[np.float64]]:
    """Return each patient's part of both Scores in points, ``(patients,)``; the parts sum to the Score.

    Args:
        matrices: The patients' confusion matrices ``(patients, classes, classes)``.
    """
    normal, abnormal = matrices[:, 0].sum(), matrices[:, 1:].sum()
    right = np.diagonal(matrices, axis1=1, axis2=2)
    hits = {"score_strict": right[:, 1:].sum(1), "score_lenient": matrices[:, 1:, 1:].sum((1, 2))}
    with np.errstate(invalid="ignore", divide="ignore"):
        return {name: 50 * (right[:, 0] / normal + found / abnormal) for name, found in hits.items()}


def mcnemar(labels: Counts, one: Counts, other: Counts) -> dict[str, dict[str, Any]]:
    """Return McNemar's exact test of two networks, by the name of the Score whose definition of a hit it uses.

    Args:
        labels: Class of each cycle ``(cycles,)``.
        one: Classes that the first network predicts ``(cycles,)``.
        other: Classes that the other network predicts ``(cycles,)``.

    Returns:
        `only_one` and `only_other`, the numbers of cycles that only one of the networks predicts correctly, and `p`.
    """
    found = {}
    for name, classes in (("score_strict", (labels, one, other)), ("score_lenient", (labels > 0, one > 0, other > 0))):
        truth, first, second = classes
        only_one = int(((first == truth) & (second != truth)).sum())
        only_other = int(((first != truth) & (second == truth)).sum())
        p = binomtest(only_one, only_one + only_other).pvalue if only_one + only_other else 1.0
        found[name] = {"only_one": only_one, "only_other": only_other, "p": float(p)}
    return found


def mcnemar_of_pairs(
    labels: Counts, one: Mapping[str, Counts], other: Mapping[str, Counts]
) -> dict[str, list[dict[str, Any]]]:
    """Return `mcnemar` of each network of one side with each of the other, by the name of the Score.

    Args:
        labels: Class of each cycle ``(cycles,)``.
        one: Predicted classes ``(cycles,)`` of each network on the first side, by its name.
        other: The same on the other side.

    Returns:
        Lists of the results, with the names of both networks as `one` and `other`.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SCORES}
    for (first, predicted), (second, others) in product(one.items(), other.items()):
        for name, row in mcnemar(labels, predicted, others).items():
            found[name].append({"one": first, "other": second, **row})
    return found


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Return p-values corrected by Holm's step-down method for their number; None stays None and is not counted.

    Args:
        values: P-values of one family of comparisons, each 0 to 1.
    """
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    largest = 0.0
    for rank, (value, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * value))
        corrected[place] = largest
    return corrected


def _sign_flips(parts: npt.NDArray[np.float64], resamples: int, seed: int) -> float:
    """Return the two-sided p-value of a sum under random signs of its parts; NaN if undefined or a single one."""
    if len(parts) < 2 or np.isnan(parts).any():
        return float("nan")
    found = permutation_test(
        (parts,),
        np.sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, AT_ONCE // len(parts)),
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)
