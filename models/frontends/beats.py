"""The front end of BEATs: Kaldi's fbank at 16 kHz with Kaldi's own window.

Source: Chen et al., ICML 2023 (arXiv 2212.09058), with the settings of its published code, which SpeechBrain has too.
"""

from __future__ import annotations

import torch

from models.frontends.ast import Ast
from models.frontends.scales import SCALES

POVEY = 0.85


class Beats(Ast):
    """Log mel energies of 16-bit samples, 100 frames a second: (x - 15.41663) / (2 · 6.55582), of AudioSet.

    Its floor lies a thousand million times below AST's, where recordings of 4 kHz have nothing in the upper mels but
    what their resampling rounds to. Energies are therefore computed in float64, and that is cheap beside a training.

    Args:
        samples: Length of a clip.
    """

    def __init__(self, samples: int) -> None:
        super().__init__(samples, name="beats", taper=POVEY, scale=SCALES["beats"], dtype=torch.float64)
