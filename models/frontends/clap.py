"""Front end of CLAP's audio encoder: log mel energies in dB at 48 kHz, of clips extended to ten seconds.

Source: Wu et al., ICASSP 2023 (arXiv 2211.06687), and the settings published with ``laion/clap-htsat-unfused``, which
work (b) keeps: windows of 1024 samples, hops of 480, 64 of Slaney's mel bins from 50 Hz to 14 kHz.
"""

from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.definitions import CLAP, CLAP_LENGTH, require_length
from models.frontends.mel import MelEnergies
from models.frontends.scales import DECIBELS

SAMPLE_RATE = 48_000  # Hz


class Clap(FrontEnd):
    """Log mel energies of 1001 frames for clips of any length: 10 log10(max(E, 1e-10)), not normalised.

    A clip is repeated as often as it fits into ten seconds as a whole; the rest is silence. For clips of 8 s, the last
    two seconds are therefore at the floor, as in work (b).

    Raises:
        ValueError: Clips are longer than ten seconds, the longest input of the encoder.
    """

    def __init__(self, samples: int) -> None:
        require_length("clap", CLAP, samples=samples, sample_rate=SAMPLE_RATE)
        frames, spectrum = CLAP.frames(samples), CLAP.spectrum
        super().__init__("clap", sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=spectrum.mels)
        self.energies = MelEnergies(spectrum, SAMPLE_RATE)

    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples)."""
        half = CLAP.spectrum.window // 2
        repeated = clips.repeat(1, CLAP_LENGTH // self.samples)
        whole = F.pad(repeated, (0, CLAP_LENGTH - repeated.shape[1]))
        return DECIBELS.values(self.energies(F.pad(whole, (half, half), mode="reflect")))


FRONT_END = Clap
