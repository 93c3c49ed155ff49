"""Front end of BEATs: Kaldi's fbank at 16 kHz with Kaldi's own window.

Source: Chen et al., ICML 2023 (arXiv 2212.09058), with the settings of its published code and of SpeechBrain.
"""

from models.frontends.ast import Ast
from models.frontends.definitions import BEATS

SAMPLE_RATE = 16_000  # Hz


class Beats(Ast):
    """Log mel energies of 16-bit samples, 100 frames a second: (x - 15.41663) / (2 · 6.55582), as for AudioSet.

    Energies are computed in float64, which is cheap compared with a training.
    """

    scale = BEATS.scale

    def __init__(self, samples: int) -> None:
        super().__init__(samples, name="beats", definition=BEATS)


FRONT_END = Beats
