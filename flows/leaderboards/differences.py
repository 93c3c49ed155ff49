"""Differences of recipes from the first one of a leaderboard, with intervals and tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from models.metrics import Counts, confusion_by_patient
from tasks.evaluation import degeneracy, paired_tests
from tasks.evaluation.intervals import Networks, difference, intervals
from tasks.evaluation.rounding import rounded
from tasks.evaluation.settings import EvaluationSettings
from tasks.subsets.patients import number


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Mean Score minus that of the first recipe, in points, with paired intervals and tests; undefined values are None.

    Attributes:
        low: Lower limit over the test patients, with networks fixed.
        low_seeds: Lower limit over patients and seeds; None if one of the recipes has a single seed.
        p: P-value of the permutation test, which swaps whole patients.
        p_holm: The same, corrected for all comparisons of the leaderboard.
        mcnemar_pairs: Number of pairs of networks, each compared by McNemar's test, which treats cycles as independent.
        mcnemar_smallest: Smallest p-value of these tests, without correction.
        degenerate: Kinds of the degenerate networks of both recipes; empty if none is degenerate.
        equal: Whether all predictions are equal: there is no difference, and no interval.
    """

    difference: float | None
    low: float | None = None
    high: float | None = None
    low_seeds: float | None = None
    high_seeds: float | None = None
    p: float | None = None
    p_holm: float | None = None
    mcnemar_pairs: int = 0
    mcnemar_smallest: float | None = None
    mcnemar_largest: float | None = None
    degenerate: str = ""
    equal: bool = False


@dataclass(frozen=True)
class Students:
    """Predictions of the networks of one recipe on the test cycles.

    Attributes:
        labels: Class of each cycle ``(cycles,)``, sorted by the ids of the cycles.
        predicted: Predicted classes ``(cycles,)`` of each network, by its seed.
        patients: Index of the patient of each cycle ``(cycles,)``.
        classes: Names of the classes, the normal one first.
    """

    labels: npt.NDArray[np.int64]
    predicted: Mapping[str, npt.NDArray[np.int64]]
    patients: npt.NDArray[np.int64]
    classes: Sequence[str]

    @staticmethod
    def from_predictions(predictions: pl.DataFrame, selection: str) -> "Students":
        """Return the networks of one selection.

        Args:
            predictions: The students' rows of the table of predictions.
            selection: The selection of the epoch: `val` or `paper`.
        """
        rows = predictions.filter(pl.col("selection") == selection).sort("cycle_id").partition_by("model", as_dict=True)
        seeds = {str(name).partition("/")[2]: part for (name,), part in sorted(rows.items())}
        first = next(iter(seeds.values()))
        return Students(
            labels=first["label"].to_numpy().astype(np.int64),
            predicted={seed: part["predicted"].to_numpy().astype(np.int64) for seed, part in seeds.items()},
            patients=number(first["patient_id"].to_list())[1],
            classes=[name.removeprefix("p_") for name in predictions.columns if name.startswith("p_")],
        )

    @cached_property
    def matrices(self) -> Counts:
        """Confusion matrices ``(seeds, patients, classes, classes)`` of the test patients."""
        size, classes = self.patients.max() + 1, len(self.classes)
        found = [
            confusion_by_patient(self.labels, one, self.patients, size=size, classes=classes)
            for one in self.predicted.values()
        ]
        return np.stack(found)

    def equals(self, other: "Students") -> bool:
        """Return whether the networks of each seed predict the same as those of another run."""
        if self.predicted.keys() != other.predicted.keys():
            return False
        return all(np.array_equal(one, other.predicted[seed]) for seed, one in self.predicted.items())

    @cached_property
    def degenerate(self) -> str | None:
        """Kinds of the degenerate networks, with their seeds; None if none is degenerate."""
        kinds = zip(self.predicted, self.matrices.sum(axis=1), strict=True)
        return degeneracy.of_several({seed: degeneracy.kind(matrix, self.classes) for seed, matrix in kinds})

    def limits(self, confidence: float) -> dict[str, dict[str, float | None]]:
        """Return the limits of both Scores, Sp and both Se of the mean over the networks, by name."""
        found = intervals(Networks(self.matrices, seeds=True), confidence)
        return {name: {key: rounded(limit) for key, limit in row.items()} for name, row in found.items()}


def minus(
    other: Students, first: Students, names: tuple[str, str], definitions: Sequence[str], settings: EvaluationSettings
) -> dict[str, Difference]:
    """Return the mean Score of a recipe minus that of the first one, by the definition of Se.

    Args:
        other: Networks of the recipe.
        first: Networks of the first recipe.
        names: Names of both recipes, in this order.
        definitions: Definitions of Se, of ``strict`` and ``lenient``.
        settings: Settings of the evaluation.
    """
    one, reference = other.matrices, first.matrices
    # Limits over seeds take both sides' seeds as independent; equal predictions are those of the same networks.
    equal = other.equals(first)
    limits = difference(Networks(one, seeds=True), Networks(reference, seeds=True), settings.confidence)
    p_values = paired_tests.permutation(list(one), list(reference), resamples=settings.resamples, seed=settings.seed)
    pairs = paired_tests.mcnemar_of_pairs(first.labels, other.predicted, first.predicted)
    found = {}
    for definition in definitions:
        score = f"score_{definition}"
        smallest = sorted(float(pair["p"]) for pair in pairs[score])
        found[definition] = Difference(
            **{name: rounded(value) for name, value in limits[score].items() if name == "difference" or not equal},
            p=None if np.isnan(p_values[score]) else p_values[score],
            mcnemar_pairs=len(smallest),
            mcnemar_smallest=rounded(smallest[0], 4),
            mcnemar_largest=rounded(smallest[-1], 4),
            degenerate=degenerate(names, (other, first)),
            equal=equal,
        )
    return found


def degenerate(names: Sequence[str], sides: Sequence[Students]) -> str:
    """Return how networks of both sides of a difference are degenerate, in words; empty if none is.

    Args:
        names: Names of the sides.
        sides: Their networks.
    """
    return "; ".join(f"{name} {side.degenerate}" for name, side in zip(names, sides, strict=True) if side.degenerate)


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """Return the differences of one leaderboard with p-values, also corrected for their number by Holm's method."""
    values = paired_tests.holm([one.p for one in differences])
    return [
        one if one.p is None or value is None else replace(one, p=round(one.p, 4), p_holm=round(value, 4))
        for one, value in zip(differences, values, strict=True)
    ]
