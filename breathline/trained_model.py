"""Trained model in Python: predictions, embeddings and maps of recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.prediction import channels, predictor
from tasks.prediction.excerpts import Windows
from tasks.prediction.passes import Options, Recording
from tasks.prediction.predictor import Predictor
from tasks.prediction.results import Prediction
from tasks.runtime.errors import BreathlineError

Samples = npt.NDArray[Any]


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of the usable segments of a recording.

    Attributes:
        start_s: Start of each segment in seconds.
        end_s: End of each segment in seconds.
        values: Embeddings ``(segments, features)``.
    """

    start_s: tuple[float, ...]
    end_s: tuple[float, ...]
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Explanation:
    """Map of one segment: how much its class depends on each part of its spectrogram.

    Attributes:
        start_s: Start of the segment in seconds.
        end_s: End of the segment in seconds.
        predicted: Class on which the map is drawn.
        method: Method of the map (`models.explanation.settings.Method`).
        seconds: Middle of each column from the start of the segment in seconds.
        hertz: Centre of each row in Hz.
        values: Relevance ``(columns, rows)``, 0 to 1, the largest being 1.
    """

    start_s: float
    end_s: float
    predicted: str
    method: str
    seconds: tuple[float, ...]
    hertz: tuple[float, ...]
    values: npt.NDArray[np.float32]


class Model:
    """Trained model, ready to predict. `breathline.load` returns it."""

    def __init__(self, folder: Path, found: Predictor) -> None:
        self.folder = folder
        self._predictor = found

    def __repr__(self) -> str:
        identity = self._predictor.identity
        return f"<breathline model {identity.label}: {', '.join(identity.classes)}; engine {identity.engine}>"

    @property
    def label(self) -> str:
        """Name for people."""
        return self._predictor.identity.label

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, the normal one first."""
        return self._predictor.identity.classes

    @property
    def banner(self) -> str | None:
        """Warning to be shown with every output; None for none."""
        return self._predictor.identity.banner

    @property
    def card(self) -> Mapping[str, Any]:
        """Content of ``model.json``: what the model learned from, its scores and limits."""
        return self._predictor.facts.card

    def predict(
        self,
        recording: str | Path | Samples,
        rate: int | None = None,
        *,
        windows: str | float | Sequence[float] | None = None,
        whole: bool = False,
        channel: str | int = channels.MEAN,
        patient: str | None = None,
    ) -> Prediction:
        """Return the predictions for a recording: typed, or as a table (`to_pandas`, `to_polars`).

        Args:
            recording: File, whose annotation beside it gives the cycles; or samples ``(frames,)`` or
                ``(frames, channels)``, floats with full scale at 1 or integers.
            rate: Sample rate of samples in Hz.
            windows: Windows in place of annotated cycles: length, or length and hop, in seconds; or as the option
                `--windows`.
            whole: Whether the recording gets one class, by the mean of its windows.
            channel: Channel that is heard: `mean`, `best`, or a number from 0.
            patient: Patient of the recording, if known.

        Raises:
            BreathlineError: The recording cannot be read, or does not fit the options.
        """
        options = _options(windows, channel, whole=whole)
        return self._predictor.predict(_recording(recording, rate), options, patient=patient)

    def embed(
        self,
        recording: str | Path | Samples,
        rate: int | None = None,
        *,
        windows: str | float | Sequence[float] | None = None,
        channel: str | int = channels.MEAN,
    ) -> Embeddings:
        """Return the embeddings of the usable segments of a recording; the arguments are those of `predict`.

        Raises:
            BreathlineError: The recording cannot be read, or does not fit the options.
        """
        parts, values = self._predictor.embed(_recording(recording, rate), _options(windows, channel))
        return Embeddings(tuple(part.start_s for part in parts), tuple(part.end_s for part in parts), values)

    def explain(
        self,
        recording: str | Path | Samples,
        rate: int | None = None,
        *,
        windows: str | float | Sequence[float] | None = None,
        channel: str | int = channels.MEAN,
    ) -> list[Explanation]:
        """Return a map of each segment with a class; the arguments are those of `predict`. It needs torch.

        Raises:
            BreathlineError: The recording cannot be read, or does not fit the options.
        """
        from tasks.prediction.explaining import explain  # with torch

        found = explain(self._torch(), _recording(recording, rate), _options(windows, channel))
        return [
            Explanation(
                one.start_s, one.end_s, str(one.predicted), drawn.method, drawn.seconds, drawn.hertz, drawn.values
            )
            for one, drawn in found
        ]

    def _torch(self) -> Predictor:
        """Return the model on the engine of PyTorch."""
        if self._predictor.engine.name == "torch":
            return self._predictor
        return predictor.load(self.folder, self.label, engine="torch", limits=self._predictor.judge.limits)


def _recording(recording: str | Path | Samples, rate: int | None) -> Recording:
    """Return a file or an array as a recording.

    Raises:
        BreathlineError: Samples have no rate, or none of whole Hz.
    """
    if isinstance(recording, (str, Path)):
        return predictor.in_file(Path(recording))
    if rate is None:
        what = "The sample rate of the samples is missing."
        raise BreathlineError(what, where="rate", hint="write predict(samples, RATE), in Hz")
    if rate != int(rate):
        what = f"The sample rate {rate} Hz is no whole number."
        raise BreathlineError(what, where="rate", hint="resample the samples to a rate of whole Hz")
    return predictor.array(np.asarray(recording), int(rate))


def _options(windows: str | float | Sequence[float] | None, channel: str | int, *, whole: bool = False) -> Options:
    """Return the options of a prediction.

    Raises:
        BreathlineError: They describe no windows or no channel.
    """
    numbers = windows if isinstance(windows, Sequence) else (windows,)
    text = windows if windows is None or isinstance(windows, str) else ",".join(map(str, numbers))
    chosen = None if text is None else Windows.parse(text)
    return Options(windows=chosen, whole=whole, channel=channels.parse(str(channel)))
