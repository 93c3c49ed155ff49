"""Masks of SpecAugment never reached the last mel bin and the last frame.

The start of a mask was drawn below `size - width`; published code draws up to and including it.
"""

import torch

from models.training.specaugment import masks


def test_masks_reach_both_ends_equally():
    covered = masks((20_000, 1), 16, 4.0, torch.Generator().manual_seed(0)).float().mean(0)
    assert covered.min() > 0
    torch.testing.assert_close(covered, covered.flip(0), atol=0.01, rtol=0)
