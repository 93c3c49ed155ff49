"""Comparison of a binned sample with a binned reference: PSI, a Kolmogorov-Smirnov test and a chi-squared test.

Both tests take the reference for a second sample. Its recordings of one patient resemble each other, so its size is its
effective number of recordings (`tasks.monitoring.reference`).
"""

import numpy as np
from scipy.special import chdtrc, kolmogorov

from tasks.monitoring.reference import Values

EXPECTED = 5.0  # least expected number of recordings in a cell of the chi-squared test (Cochran's rule)


def psi(reference: Values, size: float, found: Values, recordings: int) -> float:
    """Return the population stability index, the sum of ``(q - p) ln(q / p)`` over the bins.

    Empty bins have no logarithm, so both sides are smoothed: the reference by half a recording in each bin, and the
    sample by as many recordings as half the bins, spread as the reference is.

    Args:
        reference: Share of the reference in each bin ``(bins,)``.
        size: Effective number of recordings in the reference.
        found: Share of the sample in each bin ``(bins,)``.
        recordings: Number of recordings in the sample.
    """
    bins = len(reference)
    p = (size * reference + 0.5) / (size + bins / 2)
    q = (recordings * found + bins / 2 * p) / (recordings + bins / 2)
    return float(((q - p) * np.log(q / p)).sum())


def ordered_p(reference: Values, size: float, counts: Values) -> float:
    """Return the p-value of a Kolmogorov-Smirnov test at the edges of the bins, which is conservative.

    Args:
        reference: Share of the reference in each bin ``(bins,)``.
        size: Effective number of recordings in the reference.
        counts: Number of recordings in each bin ``(bins,)``.
    """
    recordings = counts.sum()
    largest = np.abs(np.cumsum(counts / recordings) - np.cumsum(reference)).max()
    return float(kolmogorov(np.sqrt(recordings * size / (recordings + size)) * largest))


def unordered_p(reference: Values, size: float, counts: Values) -> float:
    """Return the p-value of a chi-squared test of homogeneity; rare categories are joined.

    Args:
        reference: Share of the reference in each category ``(categories,)``.
        size: Effective number of recordings in the reference.
        counts: Number of recordings in each category ``(categories,)``.
    """
    recordings = counts.sum()
    both = np.stack([reference * size, counts])
    both = _joined(both[:, np.argsort(both.sum(axis=0), kind="stable")], EXPECTED / min(size, recordings))
    if both.shape[1] < 2:
        return 1.0
    expected = both.sum(axis=1, keepdims=True) * both.sum(axis=0) / both.sum()
    return float(chdtrc(both.shape[1] - 1, ((both - expected) ** 2 / expected).sum()))


def _joined(both: Values, least: float) -> Values:
    """Return two samples by category with the rarest joined, until each has the least share of both together.

    Args:
        both: Numbers of both samples ``(2, categories)``, from the rarest category to the most frequent one.
        least: Least share of a category, above 0.
    """
    while both.shape[1] > 1 and both[:, 0].sum() < least * both.sum():
        joined = np.concatenate([both[:, :1] + both[:, 1:2], both[:, 2:]], axis=1)
        both = joined[:, np.argsort(joined.sum(axis=0), kind="stable")]
    return both
