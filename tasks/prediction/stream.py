"""Segments of a recording of any length, read once in blocks: waveforms, and measures of their quality."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tasks.audio.cycle_bounds import bounds
from tasks.audio.quality import Meter
from tasks.audio.resampling import Resampler
from tasks.audio.waveforms import Fader
from tasks.prediction.excerpts import Excerpt

BLOCK = 1 << 17  # frames that are read at a time
Samples = npt.NDArray[np.float32]
Measures = dict[str, float | None]


class Source(Protocol):
    """Recording to be read from its start to its end (`tasks.prediction.sources`)."""

    rate: int
    channels: int
    frames: int

    def read(self, count: int) -> Samples:
        """Return the next samples ``(frames, channels)`` with full scale at 1; none at the end."""

    def finish(self) -> None:
        """Check that the recording is whole."""


@dataclass(frozen=True)
class HeardSegment:
    """Excerpt of a recording.

    Attributes:
        index: Index of the excerpt.
        waveform: Waveform ``(samples,)`` at the model's rate, as far as the model hears it.
        measures: Measures of the samples of the recording that the model hears.
    """

    index: int
    waveform: Samples
    measures: Measures


class Stream:
    """Reading of a recording, whose memory does not grow with its length.

    The waveforms are those that `tasks.audio.waveforms.cut` gives for the whole recording.

    Args:
        source: Recording.
        channel: Channel that is heard; None for the mean of all.
        rate: Sample rate of the waveforms in Hz.
        clip_samples: Length of a clip at `rate`; of a longer excerpt, one more sample is given.
        faded: Whether the ends of the recording are faded.
        on_progress: Callback with the number of frames of each block.
    """

    def __init__(
        self,
        source: Source,
        *,
        channel: int | None,
        rate: int,
        clip_samples: int,
        faded: bool,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        self._source, self.channel, self._on_progress = source, channel, on_progress
        self._rate, self._clip_samples = rate, clip_samples
        self._resampler = Resampler(source.rate, rate)
        self._fader = Fader(rate) if faded else None
        self._meter = Meter(source.rate, source.channels if channel is None else 1)

    @property
    def measures(self) -> Measures:
        """Measures of the whole recording, when all segments have been read."""
        return measures(self._meter, self._source.frames / self._source.rate)

    def segments(self, excerpts: Sequence[Excerpt]) -> Iterator[HeardSegment]:
        """Yield the segments of excerpts, sorted by their start.

        Raises:
            BreathlineError: The recording is damaged.
        """
        native, total = self._source.rate, math.ceil(self._source.frames * self._rate / self._source.rate)
        heard, heard_native = self._clip_samples + 1, math.ceil(self._clip_samples * native / self._rate)
        waiting = []
        for index in sorted(range(len(excerpts)), key=lambda index: excerpts[index].start_s):
            part = excerpts[index]
            place = bounds(part.start_s, part.end_s, self._rate, total)
            measured = bounds(part.start_s, part.end_s, native, self._source.frames)
            place = slice(place.start, min(place.stop, place.start + heard))
            waiting.append((index, place, slice(measured.start, min(measured.stop, measured.start + heard_native))))
        waveform, samples = _Window(1), _Window(self._meter.channels)
        for block, resampled in self._blocks():
            samples.append(block)
            waveform.append(resampled[:, None])
            done = 0
            for index, place, measured in waiting:
                if place.stop > waveform.end or measured.stop > samples.end:
                    break
                yield HeardSegment(index, waveform.cut(place)[:, 0], self._measure(samples.cut(measured)))
                done += 1
            del waiting[:done]
            waveform.drop(waiting[0][1].start if waiting else waveform.end)
            samples.drop(waiting[0][2].start if waiting else samples.end)
        for index, place, measured in waiting:  # a compressed recording may have fewer samples than it states
            yield HeardSegment(index, waveform.cut(place)[:, 0], self._measure(samples.cut(measured)))

    def _blocks(self) -> Iterator[tuple[Samples, Samples]]:
        """Yield blocks ``(frames, channels)`` of the recording, and what they add to the waveform ``(samples,)``."""
        while len(block := self._source.read(BLOCK)):
            chosen = block if self.channel is None else block[:, self.channel : self.channel + 1]
            self._meter.feed(chosen)
            mono = chosen[:, 0] if chosen.shape[1] == 1 else chosen.mean(axis=1)
            resampled = self._resampler.feed(mono)
            yield chosen, self._fader.feed(resampled) if self._fader else resampled
            if self._on_progress:
                self._on_progress(len(block))
        self._source.finish()
        rest = self._resampler.finish()
        if self._fader:
            rest = np.concatenate([self._fader.feed(rest), self._fader.finish()])
        yield np.empty((0, self._meter.channels), dtype=np.float32), rest

    def _measure(self, samples: Samples) -> Measures:
        """Return the measures of the samples ``(frames, channels)`` of a segment."""
        meter = Meter(self._source.rate, self._meter.channels)
        meter.feed(samples)
        return measures(meter, len(samples) / self._source.rate)


def measures(meter: Meter, seconds: float) -> Measures:
    """Return the measures of a meter by name, with `band_hz` and `duration_s`; only these two without samples."""
    found: dict[str, Any] = {"duration_s": seconds, "band_hz": meter.band_hz}
    return found | asdict(meter.result()) if seconds else found


class _Window:
    """Latest samples ``(frames, channels)`` of a sequence, by their position in it."""

    def __init__(self, channels: int) -> None:
        self._start = self.end = 0
        self._blocks: list[Samples] = [np.empty((0, channels), dtype=np.float32)]

    def append(self, block: Samples) -> None:
        """Add the next samples."""
        self._blocks.append(block)
        self.end += len(block)

    def cut(self, place: slice) -> Samples:
        """Return a copy of the samples at a place that has not been dropped."""
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        return self._blocks[0][place.start - self._start : max(0, place.stop - self._start)].copy()

    def drop(self, position: int) -> None:
        """Forget the samples before a position."""
        while len(self._blocks) > 1 and self._start + len(self._blocks[0]) <= position:
            self._start += len(self._blocks.pop(0))
        if self._start < position and self._blocks:
            first = self._blocks[0]
            count = min(position - self._start, len(first))
            self._blocks[0] = first[count:]
            self._start += count
