"""SpecAugment (Park et al., INTERSPEECH 2019) on a batch, on its device, with masks of its own for every sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.training.settings import SpecAugmentSettings

FRAMES, MELS = 798, 128  # what the published widths belong to


@dataclass(frozen=True)
class Policy:
    """Widths (exclusive bounds, in mels and frames of 798 × 128), numbers of masks, and how often it is applied."""

    mel_width: int
    mel_masks: int
    frame_width: int
    frame_masks: int
    probability: float


POLICIES = {
    "none": Policy(0, 0, 0, 0, 0.0),
    "icbhi_sup": Policy(20, 2, 50, 2, 1.0),
    "icbhi_ast_sup": Policy(48, 2, 160, 2, 1.0),
}


class SpecAugment:
    """Masks mels and frames of features; widths scale with features of another size than 798 × 128.

    The gate decides for each sample whether it is masked at all: ``uniform`` with the policy's probability p;
    ``reference`` where a *normal* draw falls below p, as in the published code (p = 1 then means 84.1 % of samples).
    Masks are filled with zero or with the sample's mean, which is taken anew before the frames are masked.
    """

    def __init__(self, settings: SpecAugmentSettings) -> None:
        if settings.policy not in POLICIES:
            raise ValueError(f"There is no SpecAugment policy {settings.policy}; there are {', '.join(POLICIES)}.")
        self.policy, self.settings = POLICIES[settings.policy], settings

    def __call__(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Return masked copies of features ``(batch, frames, mels)``; random numbers come from a CPU generator."""
        policy = self.policy
        batch, frames, mels = features.shape
        if policy.probability == 0:
            return features
        draws = (torch.rand if self.settings.gate == "uniform" else torch.randn)(batch, generator=generator)
        gate = draws < policy.probability
        mel = _masks((batch, policy.mel_masks), mels, policy.mel_width * mels / MELS, generator) & gate[:, None]
        frame = _masks((batch, policy.frame_masks), frames, policy.frame_width * frames / FRAMES, generator)
        frame &= gate[:, None]
        masked = torch.where(mel.to(features.device)[:, None, :], self._fill(features), features)
        return torch.where(frame.to(features.device)[:, :, None], self._fill(masked), masked)

    def _fill(self, features: Tensor) -> Tensor:
        if self.settings.fill == "zero":
            return features.new_zeros(())
        return features.mean((1, 2), keepdim=True)


def _masks(shape: tuple[int, int], length: int, width: float, generator: torch.Generator) -> Tensor:
    """Return which of ``length`` bins the masks ``(batch, masks)`` cover: ``(batch, length)``, widths ~ U[0, width)."""
    widths = (torch.rand(shape, generator=generator) * min(width, length)).floor()
    starts = (torch.rand(shape, generator=generator) * (length - widths)).floor()
    bins = torch.arange(length)
    inside = (bins >= starts[..., None]) & (bins < (starts + widths)[..., None])
    return inside.any(1)
