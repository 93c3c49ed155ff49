"""Front end of the Audio Spectrogram Transformer (AST): Kaldi's fbank at 16 kHz.

Source: Gong et al., INTERSPEECH 2021 (arXiv 2104.01778), with the settings of Bae et al., INTERSPEECH 2023
(arXiv 2305.14032). The numbers are those of `torchaudio.compliance.kaldi.fbank`, several clips at a time.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.mel import MelEnergies
from models.frontends.scales import KALDI_FLOOR, Scale

SAMPLE_RATE = 16_000  # Hz
WINDOW, SHIFT, FFT, MELS = 400, 160, 512, 128  # samples: 25 ms, 10 ms, the next power of two; mel bins
LOW_HZ, HIGH_HZ = 20.0, SAMPLE_RATE / 2
PREEMPHASIS = 0.97
AUDIOSET_MEAN, AUDIOSET_SD = -4.2677393, 4.5689974  # of AudioSet's log mel energies


class Ast(FrontEnd):
    """Log mel energies, 100 frames a second, normalised as AudioSet's for AST: (x - mean) / (2 sd)."""

    scale = Scale(offset=-AUDIOSET_MEAN, divisor=2 * AUDIOSET_SD, floor=KALDI_FLOOR, added=False)

    def __init__(
        self, samples: int, *, name: str = "ast", taper: float = 1.0, dtype: torch.dtype = torch.float32
    ) -> None:
        frames = 1 + (samples - WINDOW) // SHIFT
        super().__init__(name, sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=MELS)
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

        Kaldi subtracts each frame's mean and then pre-emphasises the frame by itself. Here the clip is pre-emphasised
        once, and the remainder of each frame's mean is subtracted: the same numbers. Only the first sample of a frame
        would differ, since its predecessor lies outside the frame; the window is zero there.
        """
        clips = clips.to(self.dtype)
        clips = clips - clips.mean(dim=1, keepdim=True)  # a large offset would cost digits in the pre-emphasis
        means = clips.unfold(1, WINDOW, SHIFT).mean(dim=2, keepdim=True)
        emphasised = F.pad(clips[:, 1:] - PREEMPHASIS * clips[:, :-1], (1, 0))
        return self.scale.values(self.energies(emphasised, (1 - PREEMPHASIS) * means)).float()


FRONT_END = Ast
