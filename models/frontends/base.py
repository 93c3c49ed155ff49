"""Base class of the front ends: clips in, normalised features out."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.frontends.clip import cut_or_pad
from models.frontends.definitions import require_frame
from models.frontends.scales import Scale
from models.frontends.settings import Pad


class FrontEnd(nn.Module, ABC):
    """Front end from clips of one length to normalised fbank features.

    It is a module of torch, so that ``.to(device)`` moves its tables.

    Attributes:
        name: Name in params.yaml.
        sample_rate: Sample rate of the clips in Hz.
        samples: Length of a clip in samples.
        frames: Number of frames of a clip.
        mels: Number of mel bins of a frame.
        scale: Scale from mel energies to features, if each feature depends on its own energy only. Without a scale,
            gain and noise of waveforms are not defined.
        pad: Padding of clips whose cycle is shorter.
        fade: Whether recordings are faded at their ends, and clips of repeated cycles at the end.
    """

    scale: ClassVar[Scale | None] = None
    pad: Pad = "repeat"
    fade: bool = True

    def __init__(self, name: str, *, sample_rate: int, samples: int, frames: int, mels: int) -> None:
        super().__init__()
        require_frame(name, samples=samples, sample_rate=sample_rate, frames=frames)
        self.name, self.sample_rate, self.samples, self.frames, self.mels = name, sample_rate, samples, frames, mels

    def clip(self, waveform: Tensor) -> Tensor:
        """Return the clip (samples,) of a cycle of any length at `sample_rate`."""
        sizes = {"samples": self.samples, "sample_rate": self.sample_rate}
        return torch.from_numpy(cut_or_pad(waveform.numpy(), **sizes, pad=self.pad, fade=self.fade))

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
