"""Model that the server serves: answers to uploads through shared batches, and facts about the model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from tasks.runtime.errors import BreathlineError
from tasks.serving.answers import Answer, Model, Recording, Segment
from tasks.serving.batching import Batcher, Ticket, Waveforms
from tasks.serving.metrics import Metrics
from tasks.serving.problems import RequestError
from tasks.serving.settings import NOTICE, Limits
from tasks.serving.uploads import Upload

Run = Callable[[Waveforms, Any], Any]  # function of an engine, from waveforms and offsets to a dataclass of arrays


class Predictor(Protocol):
    """Model that predicts recordings with the engine that it is given."""

    @property
    def model(self) -> Model:
        """Return name, id and banner of the model."""

    @property
    def card(self) -> Mapping[str, Any]:
        """Return the content of ``model.json``."""

    def run(self, waveforms: Waveforms, offsets: Any) -> Any:
        """Return the outputs of the engine."""

    def predict(self, path: Path, run: Run, max_seconds: float) -> tuple[Recording, Sequence[Segment]]:
        """Return the summary and the segments of a recording.

        Args:
            path: Recording.
            run: Function that runs the engine.
            max_seconds: Longest recording in seconds.
        """


class Service:
    """Model that is served, with the batches of its engine.

    Args:
        predictor: Model.
        limits: Limits of requests.
    """

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self._predictor, self.limits, self.metrics = predictor, limits, Metrics()
        self.model = predictor.model
        self._batcher = Batcher(predictor.run, self.metrics.batch.observe)
        self.metrics.info.labels(self.model.label, self.model.id or "").set(1)

    def answer(self, upload: Upload, ticket: Ticket) -> Answer:
        """Return the answer to an upload.

        Raises:
            RequestError: The recording cannot be read, is too long, or takes too long.
        """

        def run(waveforms: Waveforms, offsets: Any = None) -> Any:
            return self._batcher.run(waveforms, offsets, ticket)

        try:
            recording, segments = self._predictor.predict(upload.path, run, self.limits.max_seconds)
        except BreathlineError as error:
            raise _refusal(error, upload) from error
        recording.name = upload.label
        self.metrics.audio.inc(recording.seconds)
        for segment in segments:
            self.metrics.segments.labels(segment.decision).inc()
        return Answer(model=self.model, recording=recording, segments=list(segments))

    def description(self) -> dict[str, Any]:
        """Return the facts of the model, its card and the limits of requests."""
        return {"notice": NOTICE, **self.model.model_dump(), "limits": vars(self.limits), "card": self._predictor.card}

    def facts(self) -> dict[str, str]:
        """Return what the page shows of the model, by name."""
        return {"Version": self.model.id or "unknown"}

    def is_ready(self) -> bool:
        """Return whether predictions can be made."""
        return self._batcher.is_alive()

    def close(self) -> None:
        """End the engine's thread."""
        self._batcher.close()


def _refusal(error: BreathlineError, upload: Upload) -> RequestError:
    """Return the problem of a recording that cannot be predicted, without the path of its temporary file."""
    named = f"The recording {upload.path.name} "
    what = error.what.replace(named, f"The recording {upload.label} ").replace(str(upload.path), upload.label)
    hint = (error.hint or "send another recording").replace(str(upload.path), upload.label)
    return RequestError(422, what, hint=hint)
