"""From mel energies to the values of a front end, and back: what is done to waveforms can be done to features."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ROUNDING = 0.01  # of an energy; float16 features know it to half of that


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Values are (ln E + offset) / divisor of energies E that are kept off zero.

    Attributes:
        offset: Added to the natural logarithm.
        divisor: Of the sum.
        floor: The smallest energy.
        added: Whether the floor is added to every energy; else it takes the place of smaller ones.
    """

    offset: float
    divisor: float
    floor: float
    added: bool

    def values(self, energies: Tensor) -> Tensor:
        """Return the values of energies of any shape."""
        above = energies.add(self.floor) if self.added else energies.clamp_min(self.floor)
        return above.log().add(self.offset).div(self.divisor)

    def energies(self, values: Tensor) -> Tensor:
        """Return the energies of values; what cannot be told from the floor is 0, as in digital silence."""
        above = values.mul(self.divisor).sub(self.offset).exp()
        if self.added:
            return above.sub(self.floor).clamp_min(0)
        return above * (above > self.floor * (1 + ROUNDING))


# AST: mean and half the divisor are those of AudioSet, the floor is Kaldi's. BEATs: the same with other constants, of
# samples from -2^15 to 2^15. EfficientAT: as published. PANNs: decibels.
SCALES = {
    "ast": Scale(offset=4.2677393, divisor=2 * 4.5689974, floor=torch.finfo(torch.float32).eps, added=False),
    "beats": Scale(
        offset=30 * math.log(2) - 15.41663,
        divisor=2 * 6.55582,
        floor=torch.finfo(torch.float32).eps * 2**-30,
        added=False,
    ),
    "efficientat": Scale(offset=4.5, divisor=5.0, floor=1e-5, added=True),
    "panns": Scale(offset=0.0, divisor=math.log(10) / 10, floor=1e-10, added=False),
}
