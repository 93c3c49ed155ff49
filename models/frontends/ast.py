"""The front end of the Audio Spectrogram Transformer: Kaldi's fbank at 16 kHz.

Source: Gong et al., INTERSPEECH 2021 (arXiv 2104.01778), with the settings of Bae et al., INTERSPEECH 2023
(arXiv 2305.14032). The numbers are those of `torchaudio.compliance.kaldi.fbank`, several clips at a time.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.mel import MelEnergies
from models.frontends.rates import SAMPLE_RATES
from models.frontends.scales import SCALES, Scale

SAMPLE_RATE = SAMPLE_RATES["ast"]
WINDOW, SHIFT, FFT, MELS = 400, 160, 512, 128  # samples: 25 ms, 10 ms, the next power of two; mel bins
LOW_HZ, HIGH_HZ = 20.0, SAMPLE_RATE / 2
PREEMPHASIS = 0.97
SCALE = SCALES["ast"]


class Ast(FrontEnd):
    """Log mel energies, 100 frames a second, normalised as AudioSet's for AST: (x - mean) / (2 sd).

    Args:
        samples: Length of a clip.
        name: Of the front end, where it is another one of the same kind.
        taper: See `MelEnergies`.
        scale: From energies to values.
        dtype: Of all that is computed.
    """

    def __init__(
        self,
        samples: int,
        *,
        name: str = "ast",
        taper: float = 1.0,
        scale: Scale = SCALE,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        frames = 1 + (samples - WINDOW) // SHIFT
        super().__init__(name, sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=MELS)
        self.scale = scale
        self.energies = MelEnergies(
            MELS,
            window=WINDOW,
            shift=SHIFT,
            fft=FFT,
            sample_rate=SAMPLE_RATE,
            low_hz=LOW_HZ,
            high_hz=HIGH_HZ,
            taper=taper,
            dtype=dtype,
        )
        self.dtype = dtype

    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples).

        Kaldi takes the mean off each frame, then emphasises the frame by itself. Here the clip is emphasised once, and
        what that leaves of a frame's mean is taken off: the same numbers. Only a frame's first sample would differ,
        for its predecessor lies outside; the window is zero there.
        """
        clips = clips.to(self.dtype)
        clips = clips - clips.mean(dim=1, keepdim=True)  # a large offset would cost digits in the emphasis
        means = clips.unfold(1, WINDOW, SHIFT).mean(dim=2, keepdim=True)
        emphasised = F.pad(clips[:, 1:] - PREEMPHASIS * clips[:, :-1], (1, 0))
        return self.scale.values(self.energies(emphasised, (1 - PREEMPHASIS) * means)).float()
