"""Front end of work (b) for all networks but AST: AST's log mel energies, normalised clip by clip.

Source: Toikkanen & Kim, INTERSPEECH 2025 (arXiv 2505.22027).
"""

from torch import Tensor

from models.frontends.ast import Ast
from models.frontends.base import FrontEnd
from models.frontends.definitions import SMALLEST_SD

SAMPLE_RATE = 16_000  # Hz


class Fbank(FrontEnd):
    """Kaldi's log mel energies at 16 kHz, 100 frames a second: (x - mean) / (2 sd), both over the whole clip.

    Loudness shows only relative to the floor of the energies. The fourth mel is always at the floor, since its filter
    is so narrow that it covers no bin of the spectrum. AST's own normalisation by constants does not change the result.
    """

    def __init__(self, samples: int) -> None:
        ast = Ast(samples)
        super().__init__("fbank", sample_rate=SAMPLE_RATE, samples=samples, frames=ast.frames, mels=ast.mels)
        self.ast = ast

    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples)."""
        values = self.ast.features(clips)
        centred = values - values.mean((1, 2), keepdim=True)
        return centred / (2 * centred.std((1, 2), keepdim=True).clamp_min(SMALLEST_SD))


FRONT_END = Fbank
