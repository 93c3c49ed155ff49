"""Front end of PANNs' networks: log mel energies in dB at 32 kHz.

Source: Kong et al., IEEE/ACM TASLP 28, 2020 (arXiv 1912.10211), section III, and the settings of its published
networks, whose first layer normalises each mel bin. Power spectrogram, mel filters and decibels are those of `librosa`.
"""

from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.definitions import PANNS
from models.frontends.mel import MelEnergies

SAMPLE_RATE = 32_000  # Hz


class PANNs(FrontEnd):
    """Log mel energies, 100 frames a second, in dB of full scale's energy: 10 log10(max(E, 1e-10)), not normalised."""

    scale = PANNS.scale

    def __init__(self, samples: int) -> None:
        frames, spectrum = PANNS.frames(samples), PANNS.spectrum
        super().__init__("panns", sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=spectrum.mels)
        self.energies = MelEnergies(spectrum, SAMPLE_RATE)

    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples)."""
        half = PANNS.spectrum.window // 2
        return self.scale.values(self.energies(F.pad(clips, (half, half), mode="reflect")))


FRONT_END = PANNs
