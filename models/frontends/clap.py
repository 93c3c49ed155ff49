"""Front end of CLAP's audio encoder: log mel energies in dB at 48 kHz, of clips extended to ten seconds.

Source: Wu et al., ICASSP 2023 (arXiv 2211.06687), and the settings published with ``laion/clap-htsat-unfused``, which
work (b) keeps: windows of 1024 samples, hops of 480, 64 of Slaney's mel bins from 50 Hz to 14 kHz.
"""

from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.mel import MelEnergies
from models.frontends.scales import DECIBELS

SAMPLE_RATE = 48_000  # Hz
FFT, SHIFT, MELS = 1024, 480, 64  # samples: 21 ms, 10 ms; mel bins
LOW_HZ, HIGH_HZ = 50.0, 14_000.0
LENGTH = 10 * SAMPLE_RATE  # samples; the length that the encoder was trained on


class Clap(FrontEnd):
    """Log mel energies of 1001 frames for clips of any length: 10 log10(max(E, 1e-10)), not normalised.

    A clip is repeated as often as it fits into ten seconds as a whole; the rest is silence. For clips of 8 s, the last
    two seconds are therefore at the floor, as in work (b).

    Raises:
        ValueError: Clips are longer than ten seconds, the longest input of the encoder.
    """

    def __init__(self, samples: int) -> None:
        if samples > LENGTH:
            raise ValueError(
                f"front end clap takes clips of at most 10 s, not of {samples / SAMPLE_RATE:g} s; "
                "set frontends.clap.duration_s to 10 or less"
            )
        # Frames are centred on every 480th sample; the signal is mirrored at both ends.
        frames = 1 + LENGTH // SHIFT if samples > FFT // 2 else 0
        super().__init__("clap", sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=MELS)
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
        repeated = clips.repeat(1, LENGTH // self.samples)
        whole = F.pad(repeated, (0, LENGTH - repeated.shape[1]))
        return DECIBELS.values(self.energies(F.pad(whole, (FFT // 2, FFT // 2), mode="reflect")))


FRONT_END = Clap
