"""Windows and triangular mel filters, by the definitions of Kaldi or of librosa."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from models.frontends.definitions import Convention, MelSpectrum

WIDTH = 16  # mel bins of a block of filters
Values = npt.NDArray[np.float64]


def window(spectrum: MelSpectrum) -> Values:
    """Return the window of a frame, a power of the Hann window."""
    periods = spectrum.window - (spectrum.convention == "kaldi")
    hann = 0.5 - 0.5 * np.cos(2 * np.pi / periods * np.arange(spectrum.window))
    return np.asarray(np.maximum(hann, 0) ** spectrum.taper)


def filters(spectrum: MelSpectrum, sample_rate: int) -> npt.NDArray[np.float32]:
    """Return the filters ``(fft / 2 + 1, mels)``.

    Kaldi's filters are computed in float32, as torchaudio computes them: a filter that barely reaches a bin of the
    spectrum depends on the rounding.

    Args:
        spectrum: Constants of the filters.
        sample_rate: Sample rate in Hz.
    """
    high = spectrum.high_hz or sample_rate / 2
    mels, bins = spectrum.mels, np.arange(spectrum.fft // 2 + 1)
    if spectrum.convention == "kaldi":
        first, last = _kaldi_mels(spectrum.low_hz), _kaldi_mels(high)
        step, number = np.float32((last - first) / (mels + 1)), np.arange(mels, dtype=np.float32)
        left, centre, right = (np.float32(first) + (number + np.float32(more)) * step for more in range(3))
        width = sample_rate / spectrum.fft
        place = np.float32(1127) * np.log(np.float32(1) + np.float32(width) * bins[:-1, None].astype(np.float32) / 700)
        slopes = np.minimum((place - left) / (centre - left), (right - place) / (right - centre))
        return np.concatenate([np.maximum(slopes, 0), np.zeros((1, mels))]).astype(np.float32)  # without Nyquist
    edges = _edges(mels, spectrum.low_hz, high, spectrum.convention)
    hertz = bins[:, None] * (sample_rate / spectrum.fft)
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    areas = (edges[2:] - edges[:-2]) / 2
    return (np.maximum(0, np.minimum(rising, falling)) / areas).astype(np.float32)


def blocks(matrix: npt.NDArray[np.float32]) -> Iterator[tuple[int, int, int, npt.NDArray[np.float32]]]:
    """Yield filters as small dense blocks: their first mel, the first bin, the end of the bins, and the block.

    A filter covers few of the spectrum's bins. Blocks of 16 neighbours need an eighth of the multiplications of the
    whole matrix. Unlike a sparse product they give the same result on every device.

    Args:
        matrix: Filters ``(bins, mels)``.
    """
    for first in range(0, matrix.shape[1], WIDTH):
        columns = matrix[:, first : first + WIDTH]
        used = np.flatnonzero(columns.any(axis=1))
        low, high = int(used[0]), int(used[-1]) + 1
        yield first, low, high, np.ascontiguousarray(columns[low:high])


def centres(spectrum: MelSpectrum, sample_rate: int) -> Values:
    """Return the centres of the filters in Hz ``(mels,)``: evenly spaced in mels.

    Args:
        spectrum: Constants of the filters.
        sample_rate: Sample rate in Hz.
    """
    return _edges(spectrum.mels, spectrum.low_hz, spectrum.high_hz or sample_rate / 2, spectrum.convention)[1:-1]


def _kaldi_mels(hertz: float) -> float:
    """Return Kaldi's mels of a frequency: 1127 ln(1 + f / 700)."""
    return float(1127 * np.log(1 + hertz / 700))


def _edges(mels: int, low_hz: float, high_hz: float, convention: Convention) -> Values:
    """Return the ends and centres of the filters in Hz ``(mels + 2,)``.

    Slaney's mel scale is linear up to 1 kHz, with 15 mels, and logarithmic above, with 27 mels for a factor of 6.4.
    """
    if convention == "kaldi":
        return np.asarray(700 * np.expm1(np.linspace(_kaldi_mels(low_hz), _kaldi_mels(high_hz), mels + 2) / 1127))
    step = np.log(6.4) / 27
    low, high = (hz * 3 / 200 if hz < 1000 else 15 + np.log(hz / 1000) / step for hz in (low_hz, high_hz))
    places = np.linspace(low, high, mels + 2)
    return np.where(places < 15, places * 200 / 3, 1000 * np.exp((places - 15) * step))
