"""Front end of BEATs: Kaldi's fbank at 16 kHz with Kaldi's own window.

Source: Chen et al., ICML 2023 (arXiv 2212.09058), with the settings of its published code and of SpeechBrain.
"""

import math

import torch

from models.frontends.ast import Ast
from models.frontends.scales import KALDI_FLOOR, Scale

SAMPLE_RATE = 16_000  # Hz
POVEY = 0.85  # power of the Hann window


class Beats(Ast):
    """Log mel energies of 16-bit samples, 100 frames a second: (x - 15.41663) / (2 · 6.55582), as for AudioSet.

    The floor is 1e-9 of AST's. In recordings of 4 kHz the upper mels hold only the rounding of the resampling. Energies
    are therefore computed in float64, which is cheap compared with a training.
    """

    # Samples are read as from -2^15 to 2^15: energies are 2^30 times those of samples from -1 to 1.
    scale = Scale(offset=30 * math.log(2) - 15.41663, divisor=2 * 6.55582, floor=KALDI_FLOOR * 2**-30, added=False)

    def __init__(self, samples: int) -> None:
        super().__init__(samples, name="beats", taper=POVEY, dtype=torch.float64)


FRONT_END = Beats
