"""Clips of one length from cycles of any length.

Source: Bae et al., INTERSPEECH 2023 (arXiv 2305.14032), section 3.1, and its published code: a cycle longer than the
clip is cut and not faded; any other is repeated, cut, and faded out, never in.
"""

from __future__ import annotations

import torch
from torch import Tensor

FADES_PER_SECOND = 16  # a fade lasts 62.5 ms: 1,000 samples at 16 kHz


def repeat_pad(waveform: Tensor, *, samples: int, sample_rate: int) -> Tensor:
    """Return the clip (samples,) that stands for a cycle; the cycle itself is not changed.

    Args:
        waveform: The cycle, of any length but none, shape (n,).
        samples: Length of the clip.
        sample_rate: In Hz.

    Raises:
        ValueError: The cycle has no samples, or is not mono.
    """
    if waveform.ndim != 1:
        raise ValueError(f"a cycle is mono, of shape (samples,); got {tuple(waveform.shape)}")
    length = waveform.shape[0]
    if length == 0:
        raise ValueError("the cycle has no samples")
    if length > samples:
        return waveform[:samples].clone()
    clip = waveform.repeat(-(-samples // length))[:samples]
    fade = min(sample_rate // FADES_PER_SECOND, samples)
    clip[samples - fade :] *= torch.linspace(1.0, 0.0, fade, dtype=clip.dtype, device=clip.device)
    return clip
