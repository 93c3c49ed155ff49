"""Integrated gradients of any network."""

import torch
from torch import Tensor

from models.networks.base import Network

STEPS = 16  # points of the integral


def integrated_gradients(
    network: Network, features: Tensor, targets: Tensor, baseline: Tensor, *, steps: int = STEPS
) -> Tensor:
    """Return integrated gradients (Sundararajan et al., ICML 2017, arXiv 1703.01365), ``(batch, frames, mels)``.

    They are (x − x₀) ∫ ∂y(x₀ + t (x − x₀)) / ∂x dt over t from 0 to 1, by the midpoint rule. Their sum is the
    difference of the logits y(x) − y(x₀), up to the error of the rule.

    Args:
        network: Network in evaluation mode.
        features: Features x ``(batch, frames, mels)``.
        targets: Index ``(batch,)`` of the logit y that is explained.
        baseline: Features x₀ without a sound of interest, ``(mels,)`` for all frames.
        steps: Number of points of the integral.
    """
    difference = features - baseline
    total = torch.zeros_like(features)
    for step in range(steps):
        point = (baseline + (step + 0.5) / steps * difference).requires_grad_()
        with torch.enable_grad():
            score = network(point).gather(1, targets[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, [point])
        total += gradient
    return difference * total / steps


@torch.no_grad()
def completeness_gaps(network: Network, maps: Tensor, features: Tensor, targets: Tensor, baseline: Tensor) -> Tensor:
    """Return the relative error of the sums of integrated gradients, ``(batch,)``: 0 for an exact integral.

    It is |Σ map − d| / |d| with the difference d = y(x) − y(x₀) of the logits.

    Args:
        network: Network in evaluation mode.
        maps: Integrated gradients ``(batch, frames, mels)``.
        features: Features x ``(batch, frames, mels)``.
        targets: Index ``(batch,)`` of the logit y that is explained.
        baseline: Features x₀ ``(mels,)``.
    """
    start: Tensor = network(baseline.expand_as(features[:1]))[0]
    difference: Tensor = network(features).gather(1, targets[:, None])[:, 0] - start[targets]
    return (maps.sum((1, 2)) - difference).abs() / difference.abs()
