"""Patch-Mix: patches of two clips in one (Bae et al., INTERSPEECH 2023, arXiv 2305.14032)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from models.networks.base import Network
from models.training.objectives import CrossEntropy, Objective, Targets
from models.training.transfers import send


class PatchNetwork(Protocol):
    """A network whose patches are laid out frequency-major on a grid of (mels, frames), such as AST.

    Attributes:
        grid: Patches along mels and along frames.
        num_features: Length of the embedding.
        head: From embedding to logits.
    """

    grid: tuple[int, int]
    num_features: int
    head: nn.Module

    def patches(self, features: Tensor) -> Tensor:
        """Return the patch embeddings ``(batch, patches, width)``, before positions are added."""

    def encode(self, patches: Tensor) -> Tensor:
        """Return the embedding ``(batch, num_features)`` of patch embeddings."""


@dataclass(frozen=True)
class Mix:
    """What is drawn for one batch, or for a part of it: λ and the mask are then those of the whole batch.

    Attributes:
        share: λ, the share of its own patches that a clip keeps: a scalar.
        partner: Whose patches a clip gets ``(batch,)``: a permutation.
        replaced: Which patches those are ``(patches,)``, the same ones in every clip.
    """

    share: Tensor
    partner: Tensor
    replaced: Tensor

    def __call__(self, patches: Tensor) -> Tensor:
        """Return x_mix = M ⊙ x + (1 − M) ⊙ x[partner] of patch embeddings ``(batch, patches, width)``."""
        return torch.where(self.replaced[None, :, None], patches[self.partner], patches)


def with_patches(network: Network) -> PatchNetwork:
    """Return a network as one with patches.

    Raises:
        ValueError: It has none, as CNNs have.
    """
    if not all(hasattr(network, name) for name in ("grid", "patches", "encode")):
        what = f"Patch-Mix needs a network of patches, such as ast or ssast; {type(network).__name__} has none."
        raise ValueError(what)
    return cast("PatchNetwork", network)


def draw(
    grid: tuple[int, int],
    parts: Sequence[int],
    *,
    beta: float,
    domain: Literal["patch", "time"],
    generator: torch.Generator,
    device: torch.device,
) -> list[Mix]:
    """Return λ ~ Beta(β, β) and a mask, one of each for the batch, with a permutation for each part of it.

    ⌊N (1 − λ)⌋ of N patches are replaced, or as many columns of the grid; λ is then taken anew from what was replaced.

    Args:
        grid: Patches along mels and along frames.
        parts: Clips of each part of the batch that passes the network at once; one part: the whole batch.
        beta: Of the Beta distribution.
        domain: ``patch``: patches at random; ``time``: whole columns at random (TPatch).
        generator: On the CPU.
        device: Where the mix is needed.

    Raises:
        ValueError: A part has one clip: it would be mixed with itself.
    """
    if min(parts) < 2:
        raise ValueError(
            f"Patch-Mix needs two clips or more at once, and batches are cut into {', '.join(map(str, parts))}; "
            "raise batch_size or micro_batch, or lower compute.processes."
        )
    rows, columns = grid
    # torch draws no Beta from a generator; numpy's is seeded from it.
    seed = int(torch.randint(2**63 - 1, (1,), generator=generator))
    drawn = np.random.default_rng(seed).beta(beta, beta)
    count = columns if domain == "time" else rows * columns
    replaced = torch.zeros(count, dtype=torch.bool)
    replaced[torch.randperm(count, generator=generator)[: math.floor(count * (1 - drawn))]] = True
    kept = 1 - replaced.float().mean()
    if domain == "time":
        replaced = replaced.repeat(rows)
    share, mask = send(kept, device), send(replaced, device)
    partners = [torch.randperm(part, generator=generator) for part in parts]
    return [Mix(share=share, partner=send(partner, device), replaced=mask) for partner in partners]


class PatchMix(Objective):
    """Mixed cross-entropy of the mixed pass alone: λ CE(ŷ, y) + (1 − λ) CE(ŷ, y[partner]).

    Args:
        hard: The cross-entropy that is mixed.
        beta: Of the Beta distribution.
        domain: See `draw`.
    """

    def __init__(self, hard: CrossEntropy, *, beta: float, domain: Literal["patch", "time"]) -> None:
        super().__init__()
        self.hard, self.beta = hard, beta
        self.domain: Literal["patch", "time"] = domain

    def draw(self, network: Network, parts: Sequence[int], generator: torch.Generator) -> Sequence[Mix]:
        """Return the `Mix` of each part of a batch."""
        device = next(network.parameters()).device
        grid = with_patches(network).grid
        return draw(grid, parts, beta=self.beta, domain=self.domain, generator=generator, device=device)

    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of a batch."""
        mix: Mix = targets.mix
        patched = with_patches(network)
        logits = patched.head(patched.encode(mix(patched.patches(features))))
        own = self.hard.of(logits, targets.labels, targets.whole)
        # Partners are a permutation within the part: in the whole batch their weights add up to the same.
        partners = self.hard.of(logits, targets.labels[mix.partner], targets.whole)
        return mix.share * own + (1 - mix.share) * partners
