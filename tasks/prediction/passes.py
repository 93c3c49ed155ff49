"""One reading of a recording, in which an engine runs on its segments."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.training.normalization import Offsets
from tasks.prediction import channels
from tasks.prediction.engines.base import Engine, Outputs
from tasks.prediction.excerpts import Excerpt, Windows, excerpts
from tasks.prediction.sources import ArraySource, FileSource
from tasks.prediction.stream import HeardSegment, Measures, Stream
from tasks.runtime.errors import BreathlineError

AT_ONCE = 32  # segments that are read before the engine runs
Run = Callable[[Sequence[npt.NDArray[np.float32]], Offsets | None], Outputs]
Open = Callable[[], AbstractContextManager[FileSource | ArraySource]]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a prediction.

    Attributes:
        windows: Windows in place of the annotated cycles; None for the annotation, or windows as long as a clip.
        whole: Whether a recording is one segment, with the mean probabilities of its windows.
        channel: Channel that is heard: `mean`, `best` or a number from 0.
        max_seconds: Longest recording in seconds; None for no limit but that of the reader.
    """

    windows: Windows | None = None
    whole: bool = False
    channel: str | int = channels.MEAN
    max_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Recording at hand.

    Attributes:
        name: Name of the recording.
        path: Path of its file; None for an array.
        opened: Function that opens it.
    """

    name: str
    path: Path | None
    opened: Open


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Result of one reading.

    Attributes:
        parts: Excerpts of the recording.
        heard: Measures of each excerpt.
        refused: Reasons why an excerpt is not usable, by its index.
        measures: Measures of the recording.
        channel: Channel that was heard; None for the mean.
        rate: Sample rate in Hz.
        channels: Number of channels.
        seconds: Length in seconds.
        notes: Notes on the file.
    """

    parts: Sequence[Excerpt]
    heard: dict[int, Measures]
    refused: dict[int, tuple[str, ...]]
    measures: Measures
    channel: int | None
    rate: int
    channels: int
    seconds: float
    notes: tuple[str, ...]


class Pass:
    """Reading of a recording from its start to its end.

    Args:
        engine: Engine with the model.
        refuse: Function that gives the reasons why measures of a segment make it unusable.
        run: Function that runs the engine.
        take: Function that takes the outputs for some excerpts, by their indices.
        normalized: Whether unusable segments are given to the engine as well, because their means count.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        refuse: Callable[[Measures], tuple[str, ...]],
        run: Run,
        take: Callable[[Sequence[int], Outputs], None],
        normalized: bool,
    ) -> None:
        self._engine, self._refuse, self._run, self._take = engine, refuse, run, take
        self._normalized = normalized
        self._waiting: list[HeardSegment] = []
        self._taken = 0

    def read(
        self,
        recording: Recording,
        options: Options,
        offsets: Offsets | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> Reading:
        """Read a recording, and run the engine on its segments.

        Args:
            recording: Recording.
            options: Options of the prediction.
            offsets: Offsets of the features of each segment with samples, sorted by start.
            on_progress: Callback with the number of frames of each block.

        Raises:
            BreathlineError: The recording is damaged or too long, or its annotation does not fit.
        """
        heard: dict[int, Measures] = {}
        refused: dict[int, tuple[str, ...]] = {}
        with recording.opened() as source:
            seconds = source.frames / source.rate
            parts = _excerpts(recording.path, seconds, float(self._engine.facts.duration_s or 0), options)
            stream = Stream(
                source,
                channel=channels.choose(options.channel, source.channels, recording.opened),
                rate=self._engine.rate,
                clip_samples=self._engine.clip_samples,
                faded=self._engine.faded,
                on_progress=on_progress,
            )
            for one in stream.segments(parts):
                heard[one.index] = one.measures
                if reasons := self._refuse(one.measures) if len(one.waveform) else ("no samples",):
                    refused[one.index] = reasons
                if len(one.waveform) and (not reasons or self._normalized):
                    self._waiting.append(one)
                if len(self._waiting) == AT_ONCE:
                    self._run_waiting(offsets)
            self._run_waiting(offsets)
            return Reading(
                parts=parts,
                heard=heard,
                refused=refused,
                measures=stream.measures,
                channel=stream.channel,
                rate=source.rate,
                channels=source.channels,
                seconds=seconds,
                notes=source.notes,
            )

    def _run_waiting(self, offsets: Offsets | None) -> None:
        """Run the engine on the segments that wait."""
        if self._waiting:
            some = None if offsets is None else offsets[self._taken : self._taken + len(self._waiting)]
            outputs = self._run([one.waveform for one in self._waiting], some)
            self._take([one.index for one in self._waiting], outputs)
            self._taken += len(self._waiting)
            self._waiting.clear()


def check(options: Options, clip_s: float) -> None:
    """Check that windows are not longer than a clip of the model.

    Args:
        options: Options of the prediction.
        clip_s: Length of a clip in seconds.

    Raises:
        BreathlineError: They are longer.
    """
    if options.windows is not None and options.windows.length_s > clip_s:
        what = f"Windows of {options.windows.length_s:g} s are longer than what the model hears at once, {clip_s:g} s."
        raise BreathlineError(what, where="--windows", hint=f"take at most {clip_s:g} s")


def _excerpts(path: Path | None, seconds: float, clip_s: float, options: Options) -> list[Excerpt]:
    """Return the excerpts of a recording.

    Raises:
        BreathlineError: The recording or the windows are too long, or the annotation does not fit.
    """
    if options.max_seconds is not None and seconds > options.max_seconds:
        what = f"The recording lasts {seconds:,.0f} s; up to {options.max_seconds:,.0f} s are predicted."
        raise BreathlineError(what, where=path, hint="cut it into shorter parts")
    if options.windows is None and not options.whole and path is not None:
        return excerpts(path, seconds, clip_s)
    check(options, clip_s)
    return (options.windows or Windows(clip_s, clip_s)).cut(seconds)
