"""Front end of EfficientAT's networks: log mel energies at 32 kHz.

Source: Schmid et al., ICASSP 2023 (arXiv 2211.04772), with the settings of its published evaluation.
"""

from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.mel import MelEnergies
from models.frontends.scales import Scale

SAMPLE_RATE = 32_000  # Hz
WINDOW, SHIFT, FFT = 800, 320, 1024  # samples; 25 ms and 10 ms for window and shift
MELS = 128
LOW_HZ, HIGH_HZ = 0.0, SAMPLE_RATE / 2
PREEMPHASIS = 0.97


class EfficientAT(FrontEnd):
    """Log mel energies, 100 frames a second, scaled to about −1 to 1: (ln(x + 1e-5) + 4.5) / 5."""

    scale = Scale(offset=4.5, divisor=5.0, floor=1e-5, added=True)

    def __init__(self, samples: int) -> None:
        emphasised = samples - 1  # the first sample has no predecessor and is dropped
        # Frames are centred on every 320th sample; the signal is mirrored at both ends.
        frames = 1 + emphasised // SHIFT if emphasised > WINDOW // 2 else 0
        super().__init__("efficientat", sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=MELS)
        self.energies = MelEnergies(
            MELS, window=WINDOW, shift=SHIFT, fft=FFT, sample_rate=SAMPLE_RATE, low_hz=LOW_HZ, high_hz=HIGH_HZ
        )

    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples)."""
        emphasised = clips[:, 1:] - PREEMPHASIS * clips[:, :-1]
        mirrored = F.pad(emphasised, (WINDOW // 2, WINDOW // 2), mode="reflect")
        return self.scale.values(self.energies(mirrored))


FRONT_END = EfficientAT
