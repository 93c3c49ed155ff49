"""Scales from mel energies to the values of a front end, and their inverse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

KALDI_FLOOR = 2.0**-23  # smallest step of float32 at 1
ROUNDING = 0.01  # relative error allowed at the floor; the rounding of float16 features is half of it


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Values v = (ln E + offset) / divisor of mel energies E that a floor keeps off zero."""

    offset: float  # number added to the natural logarithm
    divisor: float  # divisor of the sum
    floor: float  # smallest energy
    added: bool  # whether the floor is added to every energy; else it replaces smaller energies

    def values(self, energies: Tensor) -> Tensor:
        """Return the values of energies of any shape."""
        above = energies.add(self.floor) if self.added else energies.clamp_min(self.floor)
        return above.log().add(self.offset).div(self.divisor)

    def apply(self, energies: npt.NDArray[Any]) -> None:
        """Replace energies of any shape, in an array, by their values."""
        import numpy as np  # the check of all parameters reads definitions, and no values

        # With a single number, numpy's `maximum` takes three times as long.
        floors = np.full(energies.shape[-1:], self.floor, energies.dtype)
        (np.add if self.added else np.maximum)(energies, floors, out=energies)
        np.log(energies, out=energies)
        energies += energies.dtype.type(self.offset)
        energies /= energies.dtype.type(self.divisor)

    def energies(self, values: Tensor) -> Tensor:
        """Return the energies of values; a value at the floor gives 0, as digital silence does."""
        above = values.mul(self.divisor).sub(self.offset).exp()
        if self.added:
            return above.sub(self.floor).clamp_min(0)
        return above * (above > self.floor * (1 + ROUNDING))


DECIBELS = Scale(offset=0.0, divisor=math.log(10) / 10, floor=1e-10, added=False)  # 10 log10(max(E, 1e-10))
