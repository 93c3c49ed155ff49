"""Clips of one length from cycles of any length.

Source: Bae et al., INTERSPEECH 2023 (arXiv 2305.14032), section 3.1, and its published code: a cycle longer than the
clip is cut and not faded; any other is repeated, cut, and faded out, never in; or, with zeros, put into the middle.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.frontends.settings import Pad

FADES_PER_SECOND = 16  # a fade lasts 62.5 ms: 1,000 samples at 16 kHz


def fit(waveform: Tensor, *, samples: int, sample_rate: int, pad: Pad = "repeat", fade: bool = True) -> Tensor:
    """Return the clip (samples,) that stands for a cycle; the cycle itself is not changed.

    Args:
        waveform: The cycle, of any length but none, shape (n,).
        samples: Length of the clip.
        sample_rate: In Hz.
        pad: What fills a clip that is longer than the cycle. Zeros stand on both sides, an odd one after it.
        fade: Whether a repeated cycle is faded out. Nothing else is ever faded.

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
    if pad == "zero":
        before = (samples - length) // 2
        return torch.nn.functional.pad(waveform, (before, samples - length - before)).clone()
    clip = waveform.repeat(-(-samples // length))[:samples]
    if fade:
        ramp = min(sample_rate // FADES_PER_SECOND, samples)
        clip[samples - ramp :] *= torch.linspace(1.0, 0.0, ramp, dtype=clip.dtype, device=clip.device)
    return clip
