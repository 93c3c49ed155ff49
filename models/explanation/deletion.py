"""Deletion and insertion curves: the probability of a class while the cells of a spectrogram are replaced in an order.

Source: Petsiuk et al., BMVC 2018 (arXiv 1806.07421).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.explanation import cells
from models.networks.base import Network

AT_ONCE = 64  # cycles of one forward pass


@dataclass(frozen=True)
class Curves:
    """Probability of the explained class of each cycle, ``(batch, steps + 1)``, over the replaced fraction of cells.

    Attributes:
        deletion: The cells of the order are replaced by the baseline, from none to all: low is good.
        insertion: The cells of the order are put into the baseline, from none to all: high is good.
    """

    deletion: Tensor
    insertion: Tensor


def area(curve: Tensor) -> Tensor:
    """Return the area ``(batch,)`` under curves ``(batch, steps + 1)`` over the fraction from 0 to 1."""
    return torch.trapezoid(curve, dx=1 / (curve.shape[1] - 1), dim=1)


@torch.no_grad()
def curves(
    network: Network,
    features: Tensor,
    targets: Tensor,
    outputs: Tensor,
    *,
    ranks: Tensor,
    baseline: Tensor,
    steps: int,
) -> Curves:
    """Return the deletion and insertion curves of an order of cells.

    Args:
        network: Network in evaluation mode.
        features: Features ``(batch, frames, mels)``.
        targets: Index ``(batch,)`` of the output whose probability is followed.
        outputs: Mask ``(batch, outputs)`` of the outputs among which the probabilities sum to 1.
        ranks: Rank of each cell ``(batch, rows, columns)``, 0 for the first to be replaced.
        baseline: Features ``(mels,)`` that replace a cell.
        steps: Number of steps from no cell to all cells.
    """
    cycles, frames, mels = features.shape
    rank = cells.expand(ranks, frames=frames, mels=mels)
    bounds = torch.linspace(0, ranks[0].numel(), steps + 1).round().to(rank.device)
    replaced = baseline.expand_as(features)
    mask, found = outputs.repeat(2, 1), []
    for bound in bounds:
        chosen = rank < bound
        inputs = torch.cat([torch.where(chosen, replaced, features), torch.where(chosen, features, replaced)])
        logits = torch.cat([network(inputs[start : start + AT_ONCE]) for start in range(0, len(inputs), AT_ONCE)])
        probabilities = logits.float().masked_fill(~mask, -torch.inf).softmax(1)
        found.append(probabilities.gather(1, targets.repeat(2)[:, None]).reshape(2, cycles))
    deletion, insertion = torch.stack(found, dim=2)
    return Curves(deletion=deletion, insertion=insertion)
