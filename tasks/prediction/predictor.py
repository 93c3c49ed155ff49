"""Prediction of recordings by one model: judgement and normalisation of their segments."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.training.normalization import Means, Normalization, Offsets
from tasks.audio import reading
from tasks.checks.settings import UnusableLimits
from tasks.prediction import sources
from tasks.prediction.engines.base import Engine, Outputs
from tasks.prediction.engines.choice import Choice, open_engine
from tasks.prediction.excerpts import Excerpt
from tasks.prediction.facts import ModelFacts, banner
from tasks.prediction.judgement import Judge, Judgement, unusable
from tasks.prediction.passes import Options, Pass, Reading, Recording, Run
from tasks.prediction.results import ModelIdentity, Prediction, Segment
from tasks.prediction.sources import ArraySource
from tasks.prediction.stream import Measures
from tasks.runtime.errors import BreathlineError

DEFAULT = Options()


class Predictor:
    """Model that predicts recordings.

    Args:
        engine: Engine with the model.
        label: Name of the model for people.
        limits: Limits of usable recordings; those of the model, if None.
    """

    def __init__(self, engine: Engine, label: str, limits: UnusableLimits | None = None) -> None:
        self.engine, self.facts = engine, engine.facts
        self.judge = Judge(self.facts, limits)
        self.identity = ModelIdentity(
            label=label,
            id=self.facts.id,
            banner=banner(self.facts),
            labels=self.facts.labels,
            classes=self.facts.classes,
            engine=engine.name,
            threshold=self.facts.rule.threshold,
        )
        self.normalization = Normalization.from_card(self.facts.card)

    def predict(
        self,
        recording: Path | Recording,
        options: Options = DEFAULT,
        *,
        patient: str | None = None,
        offsets: Offsets | None = None,
        run: Run | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> Prediction:
        """Return the predictions for a recording.

        Args:
            recording: File, whose annotation beside it gives the cycles, or `array`.
            options: Options of the prediction.
            patient: Patient, if known.
            offsets: Offsets of the features of each segment, for a model that normalises by device (`device_offsets`).
            run: Function that runs the engine; `Engine.run` itself, if None.
            on_progress: Callback with the number of frames that were read.

        Raises:
            BreathlineError: The recording or its annotation cannot be read, or the model needs other recordings.
        """
        known = in_file(recording) if isinstance(recording, Path) else recording
        with reading.enough_memory(known.path or Path(known.name)):
            judged, found = self._judged(known, options, run or self.engine.run, offsets, on_progress)
        return Prediction(
            model=self.identity,
            recording=known.name,
            file=None if known.path is None else str(known.path),
            patient=patient,
            seconds=found.seconds,
            sample_rate=found.rate,
            channels=found.channels,
            channel=found.channel,
            measures=found.measures,
            segments=judged,
            notes=(*found.notes, *_channel_note(found)),
        )

    def embed(
        self, recording: Path | Recording, options: Options = DEFAULT
    ) -> tuple[list[Excerpt], npt.NDArray[np.float32]]:
        """Return the usable segments of a recording, and their embeddings ``(segments, features)``.

        Args:
            recording: File, or `array`.
            options: Options of the prediction; `whole` has no effect.

        Raises:
            BreathlineError: The recording or its annotation cannot be read, or the model needs other recordings.
        """
        known = in_file(recording) if isinstance(recording, Path) else recording
        rows: dict[int, npt.NDArray[np.float32]] = {}

        def take(indices: Sequence[int], outputs: Outputs) -> None:
            rows.update(zip(indices, outputs.embeddings, strict=True))

        offsets = self._own_offsets(known, options, self.engine.run)
        found = self._pass(self.engine.run, take).read(known, options, offsets)
        kept = [index for index in sorted(rows) if index not in found.refused]
        if not kept:
            return [], np.empty((0, 0), dtype=np.float32)
        return [found.parts[index] for index in kept], np.stack([rows[index] for index in kept])

    def heard(self, prediction: Prediction) -> list[Segment]:
        """Return the segments of a prediction whose waveforms the engine was given, in that order.

        They are the usable ones; a model with normalisation is given all that have samples.

        Args:
            prediction: Prediction, not for a whole recording.
        """
        normalized = self.normalization is not None
        given = [
            one
            for one in prediction.segments
            if "peak" in one.measures and (normalized or not self.judge.segment(one.measures))
        ]
        return sorted(given, key=lambda one: one.start_s)

    def device_offsets(self, paths: Sequence[Path], options: Options = DEFAULT) -> dict[Path, Offsets]:
        """Return the offsets of each recording, for a model that normalises by device; else nothing.

        All recordings count as those of one device. Recordings that are not usable or cannot be read are left out;
        `predict` gives the reasons.

        Args:
            paths: Recordings that are predicted together.
            options: Options of the prediction.

        Raises:
            BreathlineError: Fewer than two recordings are usable.
        """
        if self.normalization is None or not self.normalization.needs_device:
            return {}
        means: dict[Path, Means] = {}
        for path in paths:
            with suppress(BreathlineError), reading.enough_memory(path):
                found, rows = self._means(in_file(path), options, self.engine.run)
                if len(rows) and not self.judge.recording(found.measures, found.rate):
                    means[path] = rows
        if len(means) < 2:
            raise self._several_needed(len(means))
        names = [str(path) for path, rows in means.items() for _ in rows]
        together = self.normalization.offsets(np.concatenate(list(means.values())), names, [""] * len(names))
        ends = np.cumsum([len(rows) for rows in means.values()])
        return dict(zip(means, np.split(together, ends[:-1]), strict=True))

    def _judged(
        self,
        recording: Recording,
        options: Options,
        run: Run,
        offsets: Offsets | None,
        on_progress: Callable[[int], None] | None,
    ) -> tuple[tuple[Segment, ...], Reading]:
        """Return the judged segments of a recording, and what its reading gave."""
        judged: dict[int, Judgement] = {}
        all_outputs: list[tuple[Sequence[int], Outputs]] = []

        def take(indices: Sequence[int], outputs: Outputs) -> None:
            if options.whole:
                all_outputs.append((indices, outputs))
            else:
                judged.update(zip(indices, self.judge.segments(outputs), strict=True))

        if offsets is None:
            offsets = self._own_offsets(recording, options, run)
        found = self._pass(run, take).read(recording, options, offsets, on_progress)
        if reasons := self.judge.recording(found.measures, found.rate):
            return (_segment(Excerpt(0.0, found.seconds), unusable(reasons), found.measures),), found
        if options.whole:
            return (self._whole(found, all_outputs),), found
        judged |= {index: unusable(reasons) for index, reasons in found.refused.items()}
        parts = enumerate(found.parts)
        return tuple(_segment(part, judged[index], found.heard[index]) for index, part in parts), found

    def _pass(self, run: Run, take: Callable[[Sequence[int], Outputs], None]) -> Pass:
        return Pass(
            self.engine, refuse=self.judge.segment, run=run, take=take, normalized=self.normalization is not None
        )

    def _own_offsets(self, recording: Recording, options: Options, run: Run) -> Offsets | None:
        """Return the offsets that a recording alone gives; None for a model without normalisation."""
        if self.normalization is None:
            return None
        found, means = self._means(recording, options, run)
        if not len(means) or self.judge.recording(found.measures, found.rate):
            return None
        if self.normalization.needs_device:
            raise self._several_needed(1)
        return self.normalization.offsets(means, [recording.name] * len(means), [])

    def _means(self, recording: Recording, options: Options, run: Run) -> tuple[Reading, Means]:
        """Read a recording, and return the mean features ``(segments, mels)``, sorted by start."""
        parts: list[Means] = [np.empty((0, int(self.facts.card["mels"])))]

        def take(_: Sequence[int], outputs: Outputs) -> None:
            if outputs.means is not None:
                parts.append(outputs.means)

        found = self._pass(run, take).read(recording, options)
        return found, np.concatenate(parts)

    def _whole(self, found: Reading, all_outputs: Sequence[tuple[Sequence[int], Outputs]]) -> Segment:
        """Return one segment with the mean probabilities and the median distance of all usable windows."""
        usable = np.array([index not in found.refused for indices, _ in all_outputs for index in indices], dtype=bool)
        if not usable.any():
            reasons = dict.fromkeys(reason for one in found.refused.values() for reason in one)
            judgement = unusable((f"no window is usable: {'; '.join(reasons)}",))
            return _segment(Excerpt(0.0, found.seconds), judgement, found.measures)
        probabilities = np.concatenate([outputs.probabilities for _, outputs in all_outputs])[usable]
        distances = [outputs.distances for _, outputs in all_outputs if outputs.distances is not None]
        mean = probabilities.mean(axis=0, dtype=np.float64).astype(np.float32)[None]
        joined = Outputs(
            mean,
            decisions=self.facts.rule.predict(mean),
            embeddings=np.empty((1, 0), dtype=np.float32),
            distances=np.median(np.concatenate(distances)[usable])[None] if distances else None,
        )
        count = len(found.parts)
        note = f"{count - usable.sum()} of {count} windows are not judged" if usable.sum() < count else None
        return _segment(Excerpt(0.0, found.seconds, note=note), self.judge.segments(joined)[0], found.measures)

    def _several_needed(self, usable: int) -> BreathlineError:
        """Return the error of a model that normalises by device and is given fewer than two usable recordings."""
        return BreathlineError(
            "The model was trained with `spectrum: device_of_the_data`: it needs the mean of several recordings of "
            f"the device, and {usable or 'none'} is usable.",
            where=self.identity.label,
            hint="predict a folder of recordings of this one device together",
        )


def _channel_note(found: Reading) -> tuple[str, ...]:
    """Return a note on the channel that was heard; none for the mean of all."""
    if found.channel is None:
        return ()
    return (f"channel {found.channel} is heard, of {found.channels} counted from 0",)


def in_file(path: Path) -> Recording:
    """Return the recording in a file."""
    return Recording(name=path.stem, path=path, opened=lambda: sources.open_file(path))


def array(samples: npt.NDArray[Any], rate: int, name: str = "array") -> Recording:
    """Return the recording in an array.

    Args:
        samples: Samples ``(frames,)`` or ``(frames, channels)``: floats with full scale at 1, or integers.
        rate: Sample rate in Hz.
        name: Name of the recording.
    """

    @contextmanager
    def opened() -> Iterator[ArraySource]:
        yield ArraySource(samples, rate)

    return Recording(name=name, path=None, opened=opened)


def load(folder: Path, label: str, *, engine: Choice = "auto", limits: UnusableLimits | None = None) -> Predictor:
    """Return the model of a folder, ready to predict.

    Args:
        folder: Folder of an export or a student.
        label: Name of the model for people.
        engine: Engine; `auto` takes onnxruntime where the folder has an ONNX file.
        limits: Limits of usable recordings; those of the model, if None.

    Raises:
        BreathlineError: The model or the engine is missing or damaged.
    """
    return Predictor(open_engine(folder, ModelFacts.read(folder), engine), label, limits)


def _segment(part: Excerpt, judgement: Judgement, measures: Measures) -> Segment:
    return Segment(
        start_s=part.start_s,
        end_s=part.end_s,
        cycle_id=part.cycle_id,
        judgement=judgement,
        measures=measures,
        notes=(part.note,) if part.note else (),
    )
