"""SpecAugment (Park et al., INTERSPEECH 2019) on a batch, on its device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.training.augmentation_settings import SpecAugmentSettings
from models.training.transfers import send

FRAMES, MELS = 798, 128  # what the published widths belong to


@dataclass(frozen=True)
class Policy:
    """Widths (exclusive bounds, in frames and mels of 798 × 128), numbers of masks, and how often all is applied."""

    warp: int
    mel_width: int
    mel_masks: int
    frame_width: int
    frame_masks: int
    probability: float


POLICIES = {
    "none": Policy(0, 0, 0, 0, 0, 0.0),
    "LB": Policy(80, 27, 1, 100, 1, 1.0),
    "LD": Policy(80, 27, 2, 100, 2, 1.0),
    "SM": Policy(40, 15, 2, 70, 2, 0.2),
    "SS": Policy(40, 27, 2, 70, 2, 0.2),
    "icbhi_sup": Policy(0, 20, 2, 50, 2, 1.0),
    "icbhi_ast_sup": Policy(0, 48, 2, 160, 2, 1.0),
}


class SpecAugment:
    """Warps time, then masks mels, then frames; widths scale with features of another size than 798 × 128.

    The gate decides for each sample whether it is changed at all: ``uniform`` with the policy's probability p;
    ``reference`` where a *normal* draw falls below p, as in the published code (p = 1 then means 84.1 % of samples).
    Each sample has a warp, masks and a gate of its own, or all of a batch have the same ones.
    Masks are filled with zero or with the sample's mean, which is taken anew before the frames are masked.
    """

    def __init__(self, settings: SpecAugmentSettings) -> None:
        self.policy, self.settings = POLICIES[settings.policy], settings

    def __call__(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Return changed copies of features ``(batch, frames, mels)``; random numbers come from a CPU generator."""
        policy = self.policy
        batch, frames, mels = features.shape
        if policy.probability == 0:
            return features
        drawn = batch if self.settings.per == "sample" else 1  # what is drawn once serves all
        draws = (torch.rand if self.settings.gate == "uniform" else torch.randn)(drawn, generator=generator)
        gate = draws < policy.probability
        if policy.warp:
            warped = warp(features, policy.warp * frames / FRAMES, generator, warps=drawn)
            features = torch.where(send(gate, features.device)[:, None, None], warped, features)
        mel = masks((drawn, policy.mel_masks), mels, policy.mel_width * mels / MELS, generator) & gate[:, None]
        frame = masks((drawn, policy.frame_masks), frames, policy.frame_width * frames / FRAMES, generator)
        frame &= gate[:, None]
        masked = self._cover(features, send(mel, features.device)[:, None, :])
        return self._cover(masked, send(frame, features.device)[:, :, None])

    def _cover(self, features: Tensor, hidden: Tensor) -> Tensor:
        """Return features with the hidden bins filled; by arithmetic, which is many times faster than a selection."""
        shown = (~hidden).to(features.dtype)
        if self.settings.fill == "zero":
            return features * shown
        return torch.addcmul(features.mean((1, 2), keepdim=True) * (1 - shown), features, shown)


def masks(shape: tuple[int, int], length: int, width: float, generator: torch.Generator) -> Tensor:
    """Return which of ``length`` bins the masks ``(batch, masks)`` cover: ``(batch, length)``, widths ~ U[0, width)."""
    widths = (torch.rand(shape, generator=generator) * min(width, length)).floor()
    starts = (torch.rand(shape, generator=generator) * (length - widths + 1)).floor()  # the last bins as well
    bins = torch.arange(length)
    inside = (bins >= starts[..., None]) & (bins < (starts + widths)[..., None])
    return inside.any(1)


def warp(features: Tensor, width: float, generator: torch.Generator, *, warps: int) -> Tensor:
    """Return features whose time runs faster before a random frame and slower after it, or the reverse.

    The frame is at least ``width`` from both ends and moves by less than that; time is linear on both of its sides.
    There are as many warps as samples, or one for all.
    """
    batch, frames, mels = features.shape
    last = frames - 1
    centre = width + torch.rand((warps, 1), generator=generator) * (last - 2 * width)
    moved = centre + (2 * torch.rand((warps, 1), generator=generator) - 1) * width
    moved = moved.clamp(1, last - 1)
    time = torch.arange(frames)
    after = centre + (time - moved) * (last - centre) / (last - moved)
    source = torch.where(time < moved, time * centre / moved, after)
    lower = source.floor().clamp(0, last - 1)
    index = send(lower.long(), features.device)[:, :, None].expand(batch, -1, mels)
    share = send(source - lower, features.device)[:, :, None]
    return torch.lerp(features.gather(1, index), features.gather(1, index + 1), share)
