"""SpecAugment (Park et al., INTERSPEECH 2019) of a batch on its device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.training.augmentation_settings import SpecAugmentSettings
from models.training.transfers import to_device

FRAMES, MELS = 798, 128  # size of the features that the published widths refer to


@dataclass(frozen=True)
class Policy:
    """Published policy; widths are exclusive upper bounds for features of 798 frames and 128 mels."""

    warp: int  # width of the time warp in frames
    mel_width: int  # width of a mel mask in mels
    mel_masks: int  # number of mel masks
    frame_width: int  # width of a frame mask in frames
    frame_masks: int  # number of frame masks
    probability: float  # probability that a sample is changed


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
    """Time warp, then mel masks, then frame masks; widths scale with the size of the features.

    A gate decides whether a sample is changed. ``uniform``: with the policy's probability p. ``reference``: if a
    *normal* draw is below p, as in the published code; p = 1 then changes 84.1 % of the samples. Warp, masks and gate
    are drawn for each sample, or once for a batch. Masks are filled with zero or with the sample's mean, which is
    computed again before the frames are masked.
    """

    def __init__(self, settings: SpecAugmentSettings) -> None:
        self.policy, self.settings = POLICIES[settings.policy], settings

    def __call__(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Return augmented features ``(batch, frames, mels)``; the generator is on the CPU."""
        policy = self.policy
        batch, frames, mels = features.shape
        if policy.probability == 0:
            return features
        drawn = batch if self.settings.per == "sample" else 1  # one draw is broadcast over the batch
        draws = (torch.rand if self.settings.gate == "uniform" else torch.randn)(drawn, generator=generator)
        gate = draws < policy.probability
        if policy.warp:
            warped = warp(features, policy.warp * frames / FRAMES, generator, warps=drawn)
            features = torch.where(to_device(gate, features.device)[:, None, None], warped, features)
        mel = masks((drawn, policy.mel_masks), mels, policy.mel_width * mels / MELS, generator) & gate[:, None]
        frame = masks((drawn, policy.frame_masks), frames, policy.frame_width * frames / FRAMES, generator)
        frame &= gate[:, None]
        masked = self._mask(features, to_device(mel, features.device)[:, None, :])
        return self._mask(masked, to_device(frame, features.device)[:, :, None])

    def _mask(self, features: Tensor, mask: Tensor) -> Tensor:
        """Return features with the masked bins filled; arithmetic is many times faster than indexing."""
        keep = (~mask).to(features.dtype)
        if self.settings.fill == "zero":
            return features * keep
        return torch.addcmul(features.mean((1, 2), keepdim=True) * (1 - keep), features, keep)


def masks(shape: tuple[int, int], length: int, width: float, generator: torch.Generator) -> Tensor:
    """Draw masks of widths ~ U[0, width) and return the covered bins ``(batch, length)``.

    Args:
        shape: Batch size, and number of masks for each sample.
        length: Number of bins (frames or mels).
        width: Exclusive upper bound of the widths in bins.
        generator: Random generator on the CPU.
    """
    widths = (torch.rand(shape, generator=generator) * min(width, length)).floor()
    starts = (torch.rand(shape, generator=generator) * (length - widths + 1)).floor()  # up to the last bins
    bins = torch.arange(length)
    inside = (bins >= starts[..., None]) & (bins < (starts + widths)[..., None])
    return inside.any(1)


def warp(features: Tensor, width: float, generator: torch.Generator, *, warps: int) -> Tensor:
    """Return features with time warped linearly on both sides of a random frame, which moves by less than ``width``.

    Args:
        features: Features ``(batch, frames, mels)``.
        width: Smallest distance of the frame from both ends, in frames.
        generator: Random generator on the CPU.
        warps: Number of warps: the batch size, or 1 for all samples.
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
    index = to_device(lower.long(), features.device)[:, :, None].expand(batch, -1, mels)
    fraction = to_device(source - lower, features.device)[:, :, None]
    return torch.lerp(features.gather(1, index), features.gather(1, index + 1), fraction)
