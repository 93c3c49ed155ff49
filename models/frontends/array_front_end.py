"""Front ends in numpy, for feature caches: the features of the modules of torch up to rounding, without torch."""

import math
import threading
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from models.frontends.clip import cut_or_pad
from models.frontends.definitions import SMALLEST_SD, Definition, require_frame, require_length
from models.frontends.filters import blocks, filters, window
from models.frontends.fourier import rfft
from models.frontends.products import rows_in_one_thread
from models.frontends.settings import Pad

AT_ONCE = 1 << 19  # samples of frames at a time; more would not fit into the cache of a processor

Samples = npt.NDArray[np.float32]
_buffers = threading.local()  # frames of each thread; new memory for each clip would cost as much as its spectra


class ArrayFrontEnd:
    """Front end from clips of one length to normalised features.

    Attributes:
        name: Name in params.yaml.
        sample_rate: Sample rate of the clips in Hz.
        samples: Length of a clip in samples.
        frames: Number of frames of a clip.
        mels: Number of mel bins of a frame.
        pad: Padding of clips whose cycle is shorter.
        fade: Whether recordings are faded at their ends, and clips of repeated cycles at the end.
    """

    def __init__(
        self, name: str, definition: Definition, *, sample_rate: int, samples: int, pad: Pad, fade: bool
    ) -> None:
        """Prepare window and filters.

        Args:
            name: Name of the front end.
            definition: Definition of the front end.
            sample_rate: Sample rate in Hz.
            samples: Length of a clip in samples.
            pad: Padding of clips whose cycle is shorter.
            fade: Whether clips of repeated cycles fade out.

        Raises:
            ValueError: The clips are shorter than one frame, or longer than the input of the front end's network.
        """
        self.name, self.sample_rate, self.samples, self.pad, self.fade = name, sample_rate, samples, pad, fade
        self.frames, self.mels = definition.frames(samples), definition.spectrum.mels
        require_length(name, definition, samples=samples, sample_rate=sample_rate)
        require_frame(name, samples=samples, sample_rate=sample_rate, frames=self.frames)
        self._definition = definition
        self._dtype: Any = np.float64 if definition.spectrum.double else np.float32
        self._window = window(definition.spectrum).astype(self._dtype)
        self._blocks = [
            (first, low, high, block.astype(self._dtype))
            for first, low, high, block in blocks(filters(definition.spectrum, sample_rate))
        ]
        # Frames are in parts of some rows. The products of all parts and a block of filters are one call of numpy.
        most = min(rows_in_one_thread(block) for *_, block in self._blocks)
        self._parts = math.ceil(self.frames / most)
        self._rows = math.ceil(self.frames / self._parts)
        self._parts_at_once = min(self._parts, max(1, AT_ONCE // (self._rows * definition.spectrum.fft)))

    def clip(self, waveform: Samples) -> Samples:
        """Return the clip (samples,) of a cycle of any length at `sample_rate`."""
        return cut_or_pad(waveform, samples=self.samples, sample_rate=self.sample_rate, pad=self.pad, fade=self.fade)

    def __call__(self, clip: Samples) -> npt.NDArray[Any]:
        """Return the features (frames, mels) of a clip (samples,), in float32 or float64 as they are computed."""
        definition = self._definition
        with np.errstate(all="ignore"):  # values that are not finite are found in the features
            signal, offsets = self._signal(clip.astype(self._dtype, copy=False))
            values = self._energies(signal, offsets)
            definition.scale.apply(values)
            if definition.standardised:
                values -= values.mean(dtype=np.float64)
                values /= 2 * max(float(values.std(ddof=1, dtype=np.float64)), SMALLEST_SD)
        return values

    def _signal(self, clip: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        """Return the signal that is cut into frames, and the number (frames, 1) that is subtracted from each frame.

        Kaldi subtracts each frame's mean and then pre-emphasises the frame by itself. Here the clip is pre-emphasised
        once, and the remainder of each frame's mean is subtracted: the same numbers. Only the first sample of a frame
        would differ, since its predecessor lies outside the frame; the window is zero there.
        """
        definition, offsets = self._definition, None
        share, half = definition.preemphasis, definition.spectrum.window // 2
        if not definition.centred:
            clip = clip - clip.mean()  # a large offset would cost digits in the pre-emphasis
            offsets = ((1 - share) * self._means(clip)).astype(self._dtype)
        if definition.length:
            whole = definition.length // len(clip) * len(clip)
            clip = np.concatenate([np.resize(clip, whole), np.zeros(definition.length - whole, self._dtype)])
        if share:
            emphasised = np.empty_like(clip)
            emphasised[0] = 0
            np.multiply(clip[:-1], -share, out=emphasised[1:])
            emphasised[1:] += clip[1:]
            clip = emphasised[1:] if definition.centred else emphasised
        return (np.pad(clip, half, mode="reflect") if definition.centred else clip), offsets

    def _means(self, signal: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return the mean of each frame (frames, 1), from running sums over the common divisor of window and shift."""
        length, shift = self._definition.spectrum.window, self._definition.spectrum.shift
        width = math.gcd(length, shift)
        parts = np.einsum("ij->i", signal[: len(signal) // width * width].reshape(-1, width))  # faster than `sum`
        sums = np.concatenate([np.zeros(1), np.cumsum(parts, dtype=np.float64)])
        means = (sums[length // width :] - sums[: -(length // width)])[:: shift // width] / length
        return np.asarray(means[: self.frames, None])

    def _energies(self, signal: npt.NDArray[Any], offsets: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
        """Return the mel energies (frames, mels)."""
        spectrum, length = self._definition.spectrum, len(self._window)
        frames = sliding_window_view(signal, length)[:: spectrum.shift]
        energies = np.empty((self._parts, self._rows, self.mels), self._dtype)
        padded, windows, power = self._buffers()
        for part in range(0, self._parts, self._parts_at_once):
            first = part * self._rows
            last = min(first + len(padded), self.frames)
            block = padded[: last - first]
            if offsets is None:
                block[:, :length] = frames[first:last]
            else:
                np.subtract(frames[first:last], offsets[first:last], out=block[:, :length])
            block *= windows[: len(block)]
            squares = rfft(block).view(self._dtype)
            np.square(squares, out=squares)
            np.add(squares[:, ::2], squares[:, 1::2], out=power[: len(block)])  # of real and imaginary parts
            found = energies[part : part + self._parts_at_once]
            known = power.reshape(-1, self._rows, power.shape[1])[: len(found)]
            for mel, low, high, matrix in self._blocks:
                np.matmul(known[:, :, low:high], matrix, out=found[:, :, mel : mel + matrix.shape[1]])
        return energies.reshape(-1, self.mels)[: self.frames]

    def _buffers(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Return this thread's buffers of frames, which are zero behind the window, of their windows and power.

        Whole rows, windows included, are multiplied in half the time that parts of rows take.
        """
        count, fft = self._parts_at_once * self._rows, self._definition.spectrum.fft
        key = f"{self.name} {self.sample_rate} {count}"
        found: tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]] | None = getattr(_buffers, key, None)
        if found is None:
            window = np.pad(self._window, (0, fft - len(self._window)))
            found = (
                np.zeros((count, fft), self._dtype),
                np.tile(window, (count, 1)),
                np.zeros((count, fft // 2 + 1), self._dtype),
            )
            setattr(_buffers, key, found)
        return found
