"""Random streams by purpose: draws of one part of the corpus never shift those of another part."""

from enum import IntEnum

import numpy as np
from numpy.random import Generator, SeedSequence


class Stream(IntEnum):
    """Purpose of a stream, and the first number of its key."""

    BLOCK = 0
    FOLDS = 1
    PATIENT = 2
    SESSION = 3
    BREATHING = 4
    LABELS = 5
    SOUND = 6


def generator(seed: int, stream: Stream, *numbers: int) -> Generator:
    """Return the random generator of one purpose, such as the sound of recording 2 of session 0 of patient 107.

    The streams are children of the corpus's seed in the sense of `numpy.random.SeedSequence`. They are independent of
    each other, of their order, and of their number.
    """
    return np.random.default_rng(SeedSequence(seed, spawn_key=(int(stream), *numbers)))
