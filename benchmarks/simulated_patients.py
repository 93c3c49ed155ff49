"""Simulated predictions for patients who differ in accuracy and in their numbers of cycles, as those of ICBHI do.

The numbers of cycles are log-normal with the median and spread of ICBHI's 126 patients, and those of abnormal cycles
follow a U-shaped beta distribution: about a third of the patients have none. The accuracy of a patient is drawn from
a beta distribution, apart for normal and abnormal cycles. A second model shares a part of it, as models of the same
recordings do. Seeds add a part of their own, and one for each patient and seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]

MEDIAN_CYCLES, SPREAD = 26, 1.05  # of the numbers of cycles; the spread is the sd of their logarithm
LENIENT = 0.4  # share of the abnormal cycles without their exact class that have another abnormal one


@dataclass(frozen=True)
class Accuracy:
    """Distribution of accuracies.

    Attributes:
        sp: Mean specificity.
        se: Mean strict sensitivity.
        concentration: Sum of the parameters of the beta distribution; the lower, the more patients differ.
        shared: Share of a patient's accuracy that both models have in common.
        of_seed: Share of the accuracy that each seed draws for all patients.
        of_patient_and_seed: Share of the accuracy that is drawn for each patient and seed.
    """

    sp: float = 0.75
    se: float = 0.35
    concentration: float = 3.0
    shared: float = 0.6
    of_seed: float = 0.0
    of_patient_and_seed: float = 0.0


@dataclass(frozen=True)
class TestSets:
    """Many simulated test sets.

    Attributes:
        one: Confusion matrices of a model ``(sets, seeds, patients, 3, 3)``.
        other: Those of a second model, of equal accuracy in the mean.
        truth: Expected figures of each model in percent, over all patients and seeds.
        fixed: Expected figures of the drawn networks ``(sets,)``, over all patients: of `one`, and of the difference.
    """

    one: Counts
    other: Counts
    truth: Mapping[str, float]
    fixed: Mapping[str, Rates]


def simulate(
    generator: np.random.Generator, sets: int, patients: int, *, accuracy: Accuracy | None = None, seeds: int = 1
) -> TestSets:
    """Return simulated test sets.

    Args:
        generator: Random generator.
        sets: Number of test sets.
        patients: Number of patients in each.
        accuracy: Distribution of accuracies; by default that of `Accuracy`.
        seeds: Number of seeds of each model.
    """
    accuracy = accuracy or Accuracy()
    normal, abnormal = _cycles(generator, (sets, patients))
    means = {"sp": accuracy.sp, "se": accuracy.se}
    parts = {name: _accuracies(generator, mean, accuracy, (sets, seeds, patients)) for name, mean in means.items()}
    matrices = [
        _matrices(generator, normal, abnormal, sp, se)
        for sp, se in zip(parts["sp"].rates, parts["se"].rates, strict=True)
    ]
    lenient = accuracy.se + (1 - accuracy.se) * LENIENT
    truth = _figures(accuracy.sp, accuracy.se, lenient)
    sp, se = ([rates.mean(axis=1) for rates in parts[name].networks] for name in means)
    one, other = (_figures(a, b, b + (1 - b) * LENIENT) for a, b in zip(sp, se, strict=True))
    return TestSets(*matrices, truth=truth, fixed=one | {"difference": other["score_strict"] - one["score_strict"]})


@dataclass(frozen=True)
class _Accuracies:
    """Accuracies of two models: of each patient and seed, and expected ones of each network ``(sets, seeds)``."""

    rates: tuple[Rates, Rates]
    networks: tuple[Rates, Rates]


def _cycles(generator: np.random.Generator, shape: tuple[int, int]) -> tuple[Counts, Counts]:
    """Return numbers of normal and abnormal cycles; patients with many cycles have more abnormal ones."""
    logarithm = generator.normal(0, SPREAD, shape)
    cycles = np.maximum(4, np.round(MEDIAN_CYCLES * np.exp(logarithm))).astype(int)
    mean = 1 / (1 + np.exp(0.7 - 0.45 * logarithm))
    abnormal = generator.binomial(cycles, generator.beta(1.1 * mean, 1.1 * (1 - mean)))
    return cycles - abnormal, abnormal


def _accuracies(
    generator: np.random.Generator, mean: float, accuracy: Accuracy, shape: tuple[int, int, int]
) -> _Accuracies:
    def draw(*size: int) -> Rates:
        return generator.beta(mean * accuracy.concentration, (1 - mean) * accuracy.concentration, size)

    sets, seeds, patients = shape
    first = draw(sets, 1, patients)
    bases = first, accuracy.shared * first + (1 - accuracy.shared) * draw(sets, 1, patients)
    of_seed, of_both = accuracy.of_seed, accuracy.of_patient_and_seed
    rates, networks = [], []
    for base in bases:
        common = draw(sets, seeds)
        rates.append(
            (1 - of_seed - of_both) * base + of_seed * common[..., np.newaxis] + of_both * draw(sets, seeds, patients)
        )
        networks.append((1 - of_seed) * mean + of_seed * common)
    return _Accuracies((rates[0], rates[1]), (networks[0], networks[1]))


def _matrices(generator: np.random.Generator, normal: Counts, abnormal: Counts, sp: Rates, se: Rates) -> Counts:
    """Return confusion matrices ``(sets, seeds, patients, 3, 3)`` of drawn predictions."""
    normal, abnormal = (
        np.broadcast_to(normal[:, np.newaxis], sp.shape),
        np.broadcast_to(abnormal[:, np.newaxis], sp.shape),
    )
    matrices = np.zeros((*sp.shape, 3, 3), dtype=np.int64)
    matrices[..., 0, 0] = generator.binomial(normal, sp)
    matrices[..., 0, 1] = normal - matrices[..., 0, 0]
    matrices[..., 1, 1] = generator.binomial(abnormal, se)
    matrices[..., 1, 2] = generator.binomial(abnormal - matrices[..., 1, 1], LENIENT)
    matrices[..., 1, 0] = abnormal - matrices[..., 1, 1] - matrices[..., 1, 2]
    return matrices


def _figures(sp: float | Rates, strict: float | Rates, lenient: float | Rates) -> dict[str, float | Rates]:
    """Return the figures in percent, by the names of `models.metrics.FIGURES`."""
    return {
        "score_strict": 50 * (sp + strict),
        "score_lenient": 50 * (sp + lenient),
        "sp": 100 * sp,
        "se_strict": 100 * strict,
        "se_lenient": 100 * lenient,
    }
