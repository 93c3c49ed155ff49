"""Sharpness of a trained network on some training cycles: largest eigenvalue of the Hessian, and slices of the loss."""

import math
from typing import Any

import torch
from torch import Tensor

from models.explanation import sharpness
from models.heads import Heads
from models.training.objectives import CrossEntropy
from tasks.training.trained_networks import TrainedNetwork

AT_ONCE = 8  # cycles of one forward pass
TOLERANCE = 0.01  # relative change of the eigenvalue at which power iteration ends
SPAN = 0.25  # largest distance along a direction, in norms of the filters; beyond it, the loss of any network explodes


def figures(
    trained: TrainedNetwork, labels: Tensor, *, iterations: int, points: int, seed: int, device: torch.device
) -> dict[str, Any]:
    """Return the sharpness of the cross-entropy with the labels, without dropout and augmentation.

    Args:
        trained: Trained network, with the rows of the training cycles.
        labels: Index ``(cycles,)`` of the output that each cycle should have.
        iterations: Largest number of products with the Hessian.
        points: Number of points of the plane along each direction.
        seed: Random seed of the first vector and of the directions.
        device: Device of the computation.

    Returns:
        ``loss`` at the trained weights. ``eigenvalue`` with its ``residual`` and the number of ``products``. ``line``
        along the first direction: its ``offsets`` and ``losses``. ``plane`` along both: a list of ``losses`` for each
        offset along the first.
    """
    heads = Heads.from_card(trained.card)
    objective = CrossEntropy(heads=() if heads is None else heads.sizes)
    network = trained.network.to(device)
    features, labels = trained.features.batch(trained.rows, device), labels.to(device)

    def part(start: int) -> Tensor:
        own = labels[start : start + AT_ONCE]
        mean = objective.mean_loss(network(features[start : start + AT_ONCE]), own, None)
        return mean * len(own) / len(labels)

    loss = [lambda start=start: part(start) for start in range(0, len(labels), AT_ONCE)]
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    generator = torch.Generator().manual_seed(seed)
    found = sharpness.largest_eigenvalue(
        loss, parameters, iterations=iterations, tolerance=TOLERANCE, generator=generator
    )
    directions = [sharpness.filter_normalised(parameters, generator) for _ in range(2)]
    fine, coarse = (torch.linspace(-SPAN, SPAN, number) for number in (2 * points - 1, points))
    line = sharpness.losses_at(loss, parameters, directions[:1], fine[:, None])
    plane = sharpness.losses_at(loss, parameters, directions, torch.cartesian_prod(coarse, coarse))
    return {
        "loss": _rounded(line[points - 1]),
        "eigenvalue": _rounded(found.value),
        "residual": _rounded(found.residual),
        "products": found.products,
        "line": {"offsets": _listed(fine), "losses": _listed(line)},
        "plane": {"offsets": _listed(coarse), "losses": [_listed(row) for row in plane.reshape(points, points)]},
    }


def _listed(values: Tensor) -> list[float | None]:
    return [_rounded(value) for value in values.tolist()]


def _rounded(value: float | Tensor) -> float | None:
    """Return a figure with five significant digits, since losses differ by orders of magnitude; None beyond floats."""
    return float(f"{float(value):.5g}") + 0.0 if math.isfinite(value) else None
