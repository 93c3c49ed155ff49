"""Patch-Mix: mixture of the patches of two clips (Bae et al., INTERSPEECH 2023, arXiv 2305.14032)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.networks.base import Network, PatchNetwork
from models.training.objectives import CrossEntropy, Objective, Targets
from models.training.randomness import numpy_generator
from models.training.transfers import to_device


@dataclass(frozen=True)
class Mix:
    """Mixture of the clips of a batch, or of a part of it. λ and the mask are equal for all parts."""

    lam: Tensor  # λ, the fraction of its own patches that a clip keeps: a scalar
    perm: Tensor  # permutation `(batch,)`: the index of the clip that each clip is mixed with
    mask: Tensor  # whether a patch is replaced `(patches,)`; the same patches in every clip

    def __call__(self, patches: Tensor) -> Tensor:
        """Return x_mix = (1 − mask) ⊙ x + mask ⊙ x[perm] of patch embeddings ``(batch, patches, width)``."""
        return torch.where(self.mask[None, :, None], patches[self.perm], patches)


def as_patch_network(network: Network) -> PatchNetwork:
    """Return the same network, typed as a network with patches.

    Raises:
        ValueError: The network has no patches, such as a CNN.
    """
    if not isinstance(network, PatchNetwork):
        what = f"Patch-Mix needs a network with patches, such as ast or ssast; {type(network).__name__} has none."
        raise ValueError(what)
    return network


def draw(
    grid: tuple[int, int],
    parts: Sequence[int],
    *,
    beta: float,
    domain: Literal["patch", "time"],
    generator: torch.Generator,
    device: torch.device,
) -> list[Mix]:
    """Draw λ ~ Beta(β, β) and a mask for the batch, and a permutation for each of its parts.

    ⌊N (1 − λ)⌋ of N patches are replaced, or that fraction of the grid's columns. λ is then set to
    the fraction that is really kept.

    Args:
        grid: Number of patches along mels and along frames.
        parts: Number of clips in each part of the batch. A part is what passes the network of one process at once.
        beta: β of the Beta distribution.
        domain: ``patch``: random patches; ``time``: random whole columns (TPatch).
        generator: Random generator on the CPU.
        device: Device of the network.

    Returns:
        The `Mix` of each part.

    Raises:
        ValueError: A part has one clip, which would be mixed with itself.
    """
    if min(parts) < 2:
        raise ValueError(
            f"Patch-Mix needs at least two clips in each part of a batch; the parts have {', '.join(map(str, parts))}; "
            "raise batch_size or micro_batch, or lower compute.processes."
        )
    rows, columns = grid
    drawn = numpy_generator(generator).beta(beta, beta)
    count = columns if domain == "time" else rows * columns
    mask = torch.zeros(count, dtype=torch.bool)
    mask[torch.randperm(count, generator=generator)[: math.floor(count * (1 - drawn))]] = True
    lam = 1 - mask.float().mean()
    if domain == "time":
        mask = mask.repeat(rows)
    lam, mask = to_device(lam, device), to_device(mask, device)
    perms = [torch.randperm(part, generator=generator) for part in parts]
    return [Mix(lam=lam, perm=to_device(perm, device), mask=mask) for perm in perms]


class PatchMix(Objective):
    """Mixed cross-entropy of the mixed clips: λ CE(ŷ, y) + (1 − λ) CE(ŷ, y[perm])."""

    divisible = False  # clips are mixed with each other

    def __init__(self, hard: CrossEntropy, *, beta: float, domain: Literal["patch", "time"]) -> None:
        super().__init__()
        self.hard, self.beta = hard, beta
        self.domain: Literal["patch", "time"] = domain

    def draw(self, network: Network, parts: Sequence[int], generator: torch.Generator) -> Sequence[Mix]:
        """Draw the `Mix` of each part of a batch.

        Args:
            network: Network that is trained.
            parts: Number of clips in each part of the batch, over all processes.
            generator: Random generator on the CPU.
        """
        device = next(network.parameters()).device
        grid = as_patch_network(network).grid
        return draw(grid, parts, beta=self.beta, domain=self.domain, generator=generator, device=device)

    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of a batch."""
        mix: Mix = targets.mix
        patched = as_patch_network(network)
        logits = patched.head(patched.encode(mix(patched.patches(features))))
        own = self.hard.mean_loss(logits, targets.labels, targets.batch_labels)
        # A permutation within the part leaves the sum of the class weights unchanged.
        other = self.hard.mean_loss(logits, targets.labels[mix.perm], targets.batch_labels)
        return mix.lam * own + (1 - mix.lam) * other
