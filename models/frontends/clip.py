"""Fixed-length clips from cycles of any length.

Source: Bae et al., INTERSPEECH 2023 (arXiv 2305.14032), section 3.1, and its published code. A longer cycle is cut and
not faded. A shorter cycle is repeated, cut and faded out. With zero padding, it is in the middle of the clip.
"""

import numpy as np
import numpy.typing as npt

from models.frontends.settings import Pad

FADES_PER_SECOND = 16  # a fade lasts 62.5 ms: 1,000 samples at 16 kHz
Samples = npt.NDArray[np.float32]


def cut_or_pad(waveform: Samples, *, samples: int, sample_rate: int, pad: Pad = "repeat", fade: bool = True) -> Samples:
    """Return the clip (samples,) of a cycle; the cycle itself is not changed.

    Args:
        waveform: Mono waveform (n,) of the cycle, with at least one sample.
        samples: Length of the clip in samples.
        sample_rate: Sample rate in Hz.
        pad: Padding of a shorter cycle. Half of the zeros are on each side; of an odd number, the end has one more.
        fade: Whether a repeated cycle is faded out over its last 62.5 ms. Other cycles are never faded.

    Raises:
        ValueError: The cycle has no samples, or is not mono.
    """
    if waveform.ndim != 1:
        raise ValueError(f"a cycle is mono, of shape (samples,); got {waveform.shape}")
    length = len(waveform)
    if length == 0:
        raise ValueError("the cycle has no samples")
    if length > samples:
        return waveform[:samples].copy()
    if pad == "zero":
        before = (samples - length) // 2
        return np.pad(waveform, (before, samples - length - before))
    clip = np.empty(samples, dtype=waveform.dtype)
    clip[:length] = waveform
    filled = length
    while filled < samples:  # in steps that double, faster than `numpy.resize`
        more = min(filled, samples - filled)
        clip[filled : filled + more] = clip[:more]
        filled += more
    if fade:
        ramp = min(sample_rate // FADES_PER_SECOND, samples)
        clip[samples - ramp :] *= fade_out(ramp)
    return clip


def fade_out(samples: int) -> Samples:
    """Return the factors of a linear fade from 1 to 0, ``(samples,)``."""
    return np.linspace(1, 0, samples, dtype=np.float32)


def cycle_span(fraction: float, pad: Pad) -> tuple[float, float]:
    """Return start and end of a cycle in its clip, as fractions of the clip.

    Args:
        fraction: Length of the cycle divided by the length of the clip, 0 to 1.
        pad: Padding of a shorter cycle: repetitions follow it, zeros are on both sides.
    """
    return (0.0, fraction) if pad == "repeat" else ((1 - fraction) / 2, (1 + fraction) / 2)
