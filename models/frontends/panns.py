"""Front end of PANNs' networks: log mel energies in dB at 32 kHz.

Source: Kong et al., IEEE/ACM TASLP 28, 2020 (arXiv 1912.10211), section III, and the settings of its published
networks, whose first layer normalises each mel bin. Power spectrogram, mel filters and decibels are those of `librosa`.
"""

from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.mel import MelEnergies
from models.frontends.scales import DECIBELS

SAMPLE_RATE = 32_000  # Hz
FFT, SHIFT, MELS = 1024, 320, 64  # samples: 32 ms, 10 ms; mel bins
LOW_HZ, HIGH_HZ = 50.0, 14_000.0


class PANNs(FrontEnd):
    """Log mel energies, 100 frames a second, in dB of full scale's energy: 10 log10(max(E, 1e-10)), not normalised."""

    scale = DECIBELS

    def __init__(self, samples: int) -> None:
        # Frames are centred on every 320th sample; the signal is mirrored at both ends.
        frames = 1 + samples // SHIFT if samples > FFT // 2 else 0
        super().__init__("panns", sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=MELS)
        self.energies = MelEnergies(
            MELS,
            window=FFT,
            shift=SHIFT,
            fft=FFT,
            sample_rate=SAMPLE_RATE,
            low_hz=LOW_HZ,
            high_hz=HIGH_HZ,
            convention="librosa",
        )

    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples)."""
        return self.scale.values(self.energies(F.pad(clips, (FFT // 2, FFT // 2), mode="reflect")))


FRONT_END = PANNs
