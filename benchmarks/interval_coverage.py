"""Coverage and width of intervals in simulation: ``python -m benchmarks.interval_coverage [TEST_SETS [SEEDS]]``.

The first table compares bootstrap intervals with the one of the reports (`tasks.evaluation.intervals`) for one network
and for the paired difference of two. The second compares intervals over patients and seeds for means over seeds.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

from benchmarks.simulated_patients import Accuracy, TestSets, simulate
from flows.publish.markdown import table
from tasks.evaluation import intervals
from tasks.evaluation.intervals import Networks

SIZES, CONFIDENCE, RESAMPLES, SEED = (18, 49, 126), 0.95, 1000, 0
SEEDS, SEEDS_DIFFER = 5, Accuracy(of_seed=0.25, of_patient_and_seed=0.15, concentration=2.0)
FIGURES = {"Score strict": "score_strict", "Sp": "sp", "Se strict": "se_strict", "difference": "difference"}

Rates = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ratios:
    """A figure as a weighted sum of ratios of sums over patients.

    Attributes:
        factors: Weight of each ratio ``(ratios,)``, in percent.
        hits: Numbers of hits ``(ratios, seeds, patients)``.
        cycles: Numbers of cycles ``(ratios, patients)``.
    """

    factors: Rates
    hits: Rates
    cycles: Rates

    def of(self, weights: Rates, seeds: Rates | None = None) -> Rates:
        """Return the figure under weights of the patients ``(..., patients)``, and of the seeds ``(..., seeds)``."""
        by_seed = np.einsum("rsp,...p->...rs", self.hits, weights)
        hits = (
            by_seed.mean(-1)
            if seeds is None
            else np.einsum("...rs,...s->...r", by_seed, seeds / seeds.sum(-1)[..., None])
        )
        return np.asarray((self.factors * hits / (weights @ self.cycles.T)).sum(-1))

    def error(self, weights: Rates) -> Rates:
        """Return the standard error under weights ``(..., patients)``, by linearisation."""
        hits, total = self.hits.mean(1), weights @ self.cycles.T
        rates = (weights @ hits.T) / total
        influence = np.einsum("r,...r,...rp->...p", self.factors, 1 / total, hits - rates[..., None] * self.cycles)
        return np.sqrt((weights * influence**2).sum(-1))

    @property
    def jackknife(self) -> Rates:
        """Return the figure without each patient ``(patients,)``."""
        patients = self.cycles.shape[-1]
        return self.of(1.0 - np.eye(patients))


@dataclass(frozen=True)
class Coverage:
    """Share of intervals that hold the truth.

    Attributes:
        percent: Share of the defined intervals that hold it, in percent.
        width: Mean width of the defined intervals in points.
        undefined: Number of test sets without an interval.
    """

    percent: float
    width: float
    undefined: int


Method = Callable[[Ratios, np.random.Generator], tuple[float, float]]


def percentile(ratios: Ratios, generator: np.random.Generator) -> tuple[float, float]:
    """Return the percentile interval of the bootstrap over patients."""
    return _quantiles(ratios.of(_drawn(generator, ratios.cycles.shape[-1])), _tails())


def bca(ratios: Ratios, generator: np.random.Generator) -> tuple[float, float]:
    """Return the bias-corrected and accelerated interval of the bootstrap (Efron 1987)."""
    found, patients = ratios.of(_drawn(generator, ratios.cycles.shape[-1])), ratios.cycles.shape[-1]
    estimate, left_out = ratios.of(np.ones(patients)), ratios.jackknife
    influence = np.nanmean(left_out) - left_out
    acceleration = np.nansum(influence**3) / (6 * np.nansum(influence**2) ** 1.5)
    bias = ndtri(np.clip(np.mean(found < estimate), 1e-3, 1 - 1e-3))
    shifted = bias + ndtri(_tails())
    return _quantiles(found, ndtr(bias + shifted / (1 - acceleration * shifted)))


def bootstrap_t(ratios: Ratios, generator: np.random.Generator) -> tuple[float, float]:
    """Return the interval of the studentised bootstrap."""
    patients = ratios.cycles.shape[-1]
    weights = _drawn(generator, patients)
    estimate, error = float(ratios.of(np.ones(patients))), float(ratios.error(np.ones(patients)))
    studentised = (ratios.of(weights) - estimate) / ratios.error(weights)
    low, high = _quantiles(studentised[np.isfinite(studentised)], _tails())
    return estimate - high * error, estimate - low * error


def linear_t(ratios: Ratios, _generator: np.random.Generator) -> tuple[float, float]:
    """Return the t interval on the linearised variance, with a degree of freedom less than patients."""
    everyone = np.ones(ratios.cycles.shape[-1])
    estimate, error = float(ratios.of(everyone)), float(ratios.error(everyone))
    half = float(stdtrit(len(everyone) - 1, (1 + CONFIDENCE) / 2)) * error
    return estimate - half, estimate + half


def two_level(ratios: Ratios, generator: np.random.Generator) -> tuple[float, float]:
    """Return the percentile interval of a bootstrap that draws patients and seeds."""
    patients, seeds = ratios.cycles.shape[-1], ratios.hits.shape[1]
    return _quantiles(ratios.of(_drawn(generator, patients), _drawn(generator, seeds)), _tails())


def coverage(sets: TestSets, method: Method | None, *, seeds: bool = False) -> Iterator[Coverage]:
    """Yield the coverage of each of `FIGURES`.

    Args:
        sets: The simulated test sets.
        method: A method on `Ratios`; None for the one of the reports.
        seeds: Whether the interval is over patients and seeds.
    """
    truth = {**sets.truth, "difference": 0.0}
    for figure in FIGURES.values():
        found = _of_reports(sets, figure, seeds=seeds) if method is None else _of_bootstrap(sets, figure, method)
        known = np.isfinite(found).all(axis=0)
        low, high = found[:, known]
        covered = (low <= truth[figure]) & (truth[figure] <= high)
        yield Coverage(100 * float(covered.mean()), float((high - low).mean()), int((~known).sum()))


def of_patients(sets: int) -> Iterator[list[str]]:
    """Yield the rows of the table of intervals over patients."""
    bootstraps: dict[str, Method | None] = {"percentile": percentile, "BCa": bca, "bootstrap-t": bootstrap_t}
    methods = bootstraps | {"linearised t": linear_t, "of the reports": None}
    for size in SIZES:
        simulated = simulate(np.random.default_rng(SEED), sets, size)
        for name, method in methods.items():
            yield [str(size), name, *_cells(coverage(simulated, method))]


def of_seeds(sets: int, seeds: int) -> Iterator[list[str]]:
    """Yield the rows of the table of intervals for means over seeds."""
    for size in SIZES:
        simulated = simulate(np.random.default_rng(SEED), sets, size, accuracy=SEEDS_DIFFER, seeds=seeds)
        rows = {
            "networks fixed": partial(coverage, method=None),
            "two-level bootstrap": partial(coverage, method=two_level),
        }
        for name, found in (rows | {"patients and seeds": partial(coverage, method=None, seeds=True)}).items():
            yield [str(size), name, *_cells(found(simulated))]


def main() -> None:
    """Print both tables as Markdown."""
    given = [int(text) for text in sys.argv[1:]]
    sets, seeds = [*given, *(1000, SEEDS)[len(given) :]]
    header = ["patients", "interval", *FIGURES]
    for rows in (of_patients(sets), of_seeds(sets, seeds)):
        print(table(header, list(rows), right=range(2, len(header))), end="\n\n", flush=True)


def _cells(found: Iterable[Coverage]) -> list[str]:
    """Return coverage and width of each figure as text, with the number of undefined intervals, if there are any."""
    return [
        f"{one.percent:.1f} ({one.width:.0f})" + (f"; {one.undefined} undefined" if one.undefined else "")
        for one in found
    ]


def _of_reports(sets: TestSets, figure: str, *, seeds: bool) -> Rates:
    """Return the limits ``(2, sets)`` of `tasks.evaluation.intervals`."""
    one, other = (Networks(matrices, seeds=sets.one.shape[1] > 1) for matrices in (sets.one, sets.other))
    if figure == "difference":
        found = intervals.difference(other, one, CONFIDENCE)["score_strict"]
    else:
        found = intervals.intervals(one, CONFIDENCE)[figure]
    return np.stack([found[f"{limit}_seeds" if seeds else limit] for limit in ("low", "high")])


def _of_bootstrap(sets: TestSets, figure: str, method: Method) -> Rates:
    """Return the limits ``(2, sets)`` of a bootstrap, one test set after the other."""
    generator = np.random.default_rng(SEED)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = [method(_ratios(*pair, figure), generator) for pair in zip(sets.one, sets.other, strict=True)]
    return np.array(found).T


def _ratios(one: Rates, other: Rates, figure: str) -> Ratios:
    """Return a figure of matrices ``(seeds, patients, 3, 3)`` as ratios."""
    parts = {
        "sp": [(100, one, 0)],
        "se_strict": [(100, one, 1)],
        "score_strict": [(50, one, 0), (50, one, 1)],
        "difference": [(50, other, 0), (50, other, 1), (-50, one, 0), (-50, one, 1)],
    }[figure]
    hits = np.stack([matrices[..., label, label] for _, matrices, label in parts])
    cycles = np.stack([matrices[0, :, label].sum(-1) for _, matrices, label in parts])
    return Ratios(np.array([factor for factor, _, _ in parts], float), hits.astype(float), cycles.astype(float))


def _drawn(generator: np.random.Generator, size: int) -> Rates:
    """Return how often each of `size` units is in each resample ``(resamples, size)``."""
    return generator.multinomial(size, np.full(size, 1 / size), size=RESAMPLES).astype(float)


def _tails() -> Rates:
    return np.array([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])


def _quantiles(values: Rates, at: Rates) -> tuple[float, float]:
    low, high = np.nanquantile(values, at)
    return float(low), float(high)


if __name__ == "__main__":
    main()
