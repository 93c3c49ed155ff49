"""The front end of the Audio Spectrogram Transformer: Kaldi's fbank at 16 kHz.

Source: Gong et al., INTERSPEECH 2021 (arXiv 2104.01778), with the settings of Bae et al., INTERSPEECH 2023
(arXiv 2305.14032). The numbers are those of `torchaudio.compliance.kaldi.fbank`, several clips at a time.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchaudio.compliance import kaldi

from models.frontends.base import FrontEnd
from models.frontends.rates import SAMPLE_RATES

SAMPLE_RATE = SAMPLE_RATES["ast"]
WINDOW, SHIFT, FFT, MELS = 400, 160, 512, 128  # samples: 25 ms, 10 ms, the next power of two; mel bins
LOW_HZ, HIGH_HZ = 20.0, SAMPLE_RATE / 2
PREEMPHASIS = 0.97
MEAN, SD = -4.2677393, 4.5689974  # of AudioSet


class Ast(FrontEnd):
    """Log mel energies, 100 frames a second, normalised as AudioSet's for AST: (x - mean) / (2 sd).

    Args:
        samples: Length of a clip.
    """

    window: Tensor
    mel: Tensor

    def __init__(self, samples: int) -> None:
        frames = 1 + (samples - WINDOW) // SHIFT
        super().__init__("ast", sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=MELS)
        banks, _ = kaldi.get_mel_banks(MELS, FFT, SAMPLE_RATE, LOW_HZ, HIGH_HZ, 100.0, -500.0, 1.0)
        self.register_buffer("window", torch.hann_window(WINDOW, periodic=False), persistent=False)
        self.register_buffer("mel", F.pad(banks, (0, 1)).T.contiguous(), persistent=False)

    def features(self, clips: Tensor) -> Tensor:
        frames = clips.unfold(1, WINDOW, SHIFT)
        frames = frames - frames.mean(dim=2, keepdim=True)
        # Kaldi's pre-emphasis works within a frame: the first sample's predecessor is that sample itself
        frames = frames - PREEMPHASIS * F.pad(frames, (1, 0), mode="replicate")[..., :-1]
        spectrum = torch.fft.rfft(frames * self.window, n=FFT)
        power = spectrum.real.square() + spectrum.imag.square()
        log_mel = (power @ self.mel).clamp_min(torch.finfo(torch.float32).eps).log()
        return (log_mel - MEAN) / (2 * SD)
