"""Test-time augmentation: the mean of the probabilities of clips that are shifted in time."""

from collections.abc import Sequence

import numpy as np
import torch

from tasks.distillation.soft_labels import Logits


def rolls(frames: int, shifts: int) -> list[int]:
    """Return the shifts of a clip in frames: evenly spaced over its length, the first of them 0.

    A clip is shifted circularly: what leaves it at the end comes back at its start. The clip of a short cycle repeats
    the cycle, so the shifted clip starts within the cycle and repeats it, too, with one seam more.

    Args:
        frames: Number of frames of a clip.
        shifts: Number of shifted clips; 1 for the clip itself alone.
    """
    return [index * frames // shifts for index in range(shifts)]


def mean_logits(shifted: Sequence[Logits]) -> Logits:
    """Return the logarithm of the mean probabilities ``(cycles, classes)``; the logits of a single clip unchanged.

    Args:
        shifted: Logits ``(cycles, classes)`` of each shift.
    """
    if len(shifted) == 1:
        return shifted[0]
    logarithms = torch.from_numpy(np.stack(shifted).astype(np.float64)).log_softmax(dim=-1)
    mean = logarithms.logsumexp(dim=0) - np.log(len(shifted))
    return np.asarray(mean.float().numpy())
