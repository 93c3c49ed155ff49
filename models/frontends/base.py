"""What every front end is: clips in, features ready for a network out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from models.frontends.clip import fit
from models.frontends.settings import Pad


class FrontEnd(nn.Module, ABC):
    """Turns clips of one length into normalised fbank features; a module, so that `.to(device)` moves its tables.

    Attributes:
        name: The name in `params.yaml`.
        sample_rate: Of the clips, in Hz.
        samples: Length of a clip.
        frames: Frames of a clip's features.
        mels: Mel bins of a frame.
        pad: What fills clips of shorter cycles.
        fade: Whether clips of repeated cycles, and recordings before they are cut, are faded.
    """

    pad: Pad = "repeat"
    fade: bool = True

    def __init__(self, name: str, *, sample_rate: int, samples: int, frames: int, mels: int) -> None:
        super().__init__()
        if frames < 1:
            raise ValueError(f"front end {name}: {samples} samples at {sample_rate} Hz are shorter than one frame")
        self.name, self.sample_rate, self.samples, self.frames, self.mels = name, sample_rate, samples, frames, mels

    def clip(self, waveform: Tensor) -> Tensor:
        """Return the clip (samples,) that stands for a cycle of any length at `sample_rate`."""
        return fit(waveform, samples=self.samples, sample_rate=self.sample_rate, pad=self.pad, fade=self.fade)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of clips (batch, samples).

        Raises:
            ValueError: The clips have another shape.
        """
        if waveforms.ndim != 2 or waveforms.shape[1] != self.samples:
            raise ValueError(
                f"front end {self.name} takes clips of shape (batch, {self.samples}), got {tuple(waveforms.shape)}; "
                "cut and pad them with its `clip`"
            )
        return self.features(waveforms.to(torch.float32))

    @abstractmethod
    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples)."""
