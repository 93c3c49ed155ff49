"""Random numbers derived from the seed and the position in the training, without a state to save."""

from typing import Literal

import numpy as np
import torch

Purpose = Literal["order", "step", "network"]
PURPOSES: dict[Purpose, int] = {"order": 0, "step": 1, "network": 2}


def derive_seed(seed: int, use: Purpose, *position: int) -> int:
    """Return the seed of a position in the training, statistically independent of the seeds of all other positions.

    Args:
        seed: Random seed of the training.
        use: Purpose of the random numbers.
        position: Numbers of the position, such as epoch and step.
    """
    words = np.random.SeedSequence((seed, PURPOSES[use], *position)).generate_state(1, np.uint64)
    return int(words[0])


def generator(seed: int, use: Purpose, *position: int) -> torch.Generator:
    """Return a new CPU generator with the seed of a position (`derive_seed`)."""
    return torch.Generator().manual_seed(derive_seed(seed, use, *position))


def numpy_generator(generator: torch.Generator) -> np.random.Generator:
    """Return a NumPy generator seeded from torch's, for distributions that torch draws without a generator only."""
    return np.random.default_rng(int(torch.randint(2**63 - 1, (1,), generator=generator)))
