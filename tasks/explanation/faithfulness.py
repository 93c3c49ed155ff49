"""Tests of the maps of one model: deletion and insertion, weight on repeated sound, and randomised weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import spearmanr
from torch import Tensor

from models.explanation import cells, deletion
from models.explanation.deletion import Curves
from models.explanation.settings import Method
from models.networks.base import Network
from tasks.explanation import patient_means
from tasks.explanation.maps import Explained

Values = npt.NDArray[np.float64]
RANDOM, ENERGY = "random", "energy"  # orders that maps are compared with: chance, and loud cells first
CURVES = ("deletion", "insertion")


def figures(
    explained: Explained,
    drawn: Mapping[Method, Tensor],
    untrained: Network,
    patients: Sequence[str],
    *,
    steps: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """Return the figures of a model's maps, each as ``{mean, low, high, patients}`` over patients.

    Args:
        explained: Cycles with their features and predictions.
        drawn: Maps ``(cycles, frames, mels)`` of each method.
        untrained: Network of the same architecture with random weights.
        patients: Patient of each cycle.
        steps: Number of steps of the curves.
        confidence: Confidence level of the intervals.
        seed: Random seed of the random order.

    Returns:
        ``orders``: curves and areas by method, and of the orders `RANDOM` and `ENERGY`. ``methods``: for each method
        the areas less those of both orders, and its rank correlation with the map of the untrained network. There,
        ``outside`` is the share of its weight on repeated or padded frames, ``outside_frames`` their share of the clip.
        ``completeness_gap`` of integrated gradients is the median relative error of their sum; None if it is undefined.
    """
    values = {str(method): cells.mean(maps) for method, maps in drawn.items()}
    ranks = {name: cells.ranks(found) for name, found in values.items()}
    energy = cells.mean(explained.features)
    ranks[RANDOM] = cells.random_ranks(energy, torch.Generator().manual_seed(seed))
    ranks[ENERGY] = cells.ranks(energy)
    orders = {name: _curves(explained, rank, steps) for name, rank in ranks.items()}
    areas = {
        name: {kind: _numpy(deletion.area(getattr(found, kind))) for kind in CURVES} for name, found in orders.items()
    }

    def over_patients(found: Values, least: float, most: float) -> dict[str, Any]:
        return patient_means.mean(found, patients, confidence, (least, most))

    by_method = dict[Method, dict[str, Any]]()
    for method, maps in drawn.items():
        differences = {
            f"{kind}_minus_{order}": over_patients(areas[method][kind] - areas[order][kind], -1, 1)
            for kind in CURVES
            for order in (RANDOM, ENERGY)
        }
        share, frames = outside(maps, explained.own)
        randomised = cells.mean(explained.draw(method, untrained))
        by_method[method] = {
            **differences,
            "outside": over_patients(share, 0, 1),
            "outside_frames": over_patients(frames, 0, 1),
            "correlation_with_untrained": over_patients(rank_correlation(values[method], randomised), -1, 1),
        }
        if method == "integrated_gradients":
            by_method[method]["completeness_gap"] = _median(_numpy(explained.completeness_gaps(maps)))
    return {
        "orders": {
            name: {
                kind: {
                    "area": over_patients(areas[name][kind], 0, 1),
                    "curve": _numpy(getattr(found, kind)).mean(axis=0).round(4).tolist(),
                }
                for kind in CURVES
            }
            for name, found in orders.items()
        },
        "methods": by_method,
    }


def outside(maps: Tensor, own: Tensor) -> tuple[Values, Values]:
    """Return the share of each map's positive weight on frames outside the cycle, and the share of these frames.

    Both are NaN for a cycle that fills its clip; the first also for a map without positive weight.

    Args:
        maps: Maps ``(cycles, frames, mels)``.
        own: Mask ``(cycles, frames)`` of the frames of the cycle itself.
    """
    weight = maps.double().clamp_min(0).sum(2)
    share = (weight * ~own).sum(1) / weight.sum(1)
    frames = (~own).double().mean(1)
    filled = own.all(1)
    return _numpy(share.masked_fill(filled, torch.nan)), _numpy(frames.masked_fill(filled, torch.nan))


def rank_correlation(one: Tensor, other: Tensor) -> Values:
    """Return Spearman's correlation of two maps of each cycle; NaN where a map is constant.

    Maps that depend on what was learned differ from those of random weights (Adebayo et al., NeurIPS 2018, arXiv
    1810.03292), so that the correlation is near 0.

    Args:
        one: Values of cells ``(cycles, rows, columns)``.
        other: The same of the other maps.
    """
    pairs = zip(_numpy(one.flatten(1)), _numpy(other.flatten(1)), strict=True)
    return np.array(
        [spearmanr(left, right).statistic if np.ptp(left) and np.ptp(right) else np.nan for left, right in pairs]
    )


def _median(values: Values) -> float | None:
    """Return the median of the finite values; None without any, as of a network with constant logits."""
    finite = values[np.isfinite(values)]
    return round(float(np.median(finite)), 4) if finite.size else None


def _curves(explained: Explained, ranks: Tensor, steps: int) -> Curves:
    return deletion.curves(
        explained.network,
        explained.features,
        explained.targets,
        explained.outputs,
        ranks=ranks,
        baseline=explained.baseline,
        steps=steps,
    )


def _numpy(values: Tensor) -> Values:
    return values.double().cpu().numpy()
