"""Front end of EfficientAT's networks: log mel energies at 32 kHz.

Source: Schmid et al., ICASSP 2023 (arXiv 2211.04772), with the settings of its published evaluation.
"""

from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.definitions import EFFICIENTAT
from models.frontends.mel import MelEnergies

SAMPLE_RATE = 32_000  # Hz


class EfficientAT(FrontEnd):
    """Log mel energies, 100 frames a second, scaled to about −1 to 1: (ln(x + 1e-5) + 4.5) / 5."""

    scale = EFFICIENTAT.scale

    def __init__(self, samples: int) -> None:
        frames, spectrum = EFFICIENTAT.frames(samples), EFFICIENTAT.spectrum
        super().__init__("efficientat", sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=spectrum.mels)
        self.energies = MelEnergies(spectrum, SAMPLE_RATE)

    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples)."""
        half = EFFICIENTAT.spectrum.window // 2
        emphasised = clips[:, 1:] - EFFICIENTAT.preemphasis * clips[:, :-1]  # the first sample has no predecessor
        return self.scale.values(self.energies(F.pad(emphasised, (half, half), mode="reflect")))


FRONT_END = EfficientAT
