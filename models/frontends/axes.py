"""Axes of a front end's features in seconds and Hz."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.frontends.base import FrontEnd
from models.frontends.mel import MelEnergies

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Axes:
    """Positions of the features of a clip.

    Attributes:
        seconds: Middle of each frame's hop in seconds from the start of the clip, ``(frames,)``.
        hertz: Centre of each mel bin in Hz, ``(mels,)``.
    """

    seconds: Values
    hertz: Values


def axes(front_end: FrontEnd) -> Axes:
    """Return the axes of a front end's features; a frame is placed to within one hop of the front end.

    Args:
        front_end: Front end, built for the length of the clips.
    """
    energies = next(module for module in front_end.modules() if isinstance(module, MelEnergies))
    middles = np.arange(0.5, front_end.frames)
    return Axes(seconds=middles * energies.shift / front_end.sample_rate, hertz=energies.hertz)
