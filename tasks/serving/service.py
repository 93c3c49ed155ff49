"""Model that the server serves: answers to uploads through shared batches, and facts about the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from models.training.normalization import Offsets
from tasks.prediction import use_entries, use_log
from tasks.prediction.engines.base import Outputs
from tasks.prediction.passes import Options
from tasks.prediction.predictor import Predictor
from tasks.prediction.results import CAUTION, Prediction
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tasks.serving import answers, model_facts
from tasks.serving.batching import Batcher, Ticket
from tasks.serving.metrics import Metrics
from tasks.serving.problems import RequestError
from tasks.serving.settings import Limits
from tasks.serving.uploads import Upload

if TYPE_CHECKING:
    from tasks.prediction.maps import MappingEngine, SegmentMap

CLIENT = "server"  # user in the log of use: the server knows no clients


class Service:
    """Model that is served, with the batches of its engine.

    Args:
        predictor: Model.
        limits: Limits of requests.
        use_log: Log to which an entry is added for each recording; None for none.
        device: Name of the recording device in the log.
        maps: Whether answers have the maps of segments.

    Raises:
        BreathlineError: The model needs several recordings at once, or has no maps.
    """

    def __init__(
        self,
        predictor: Predictor,
        limits: Limits,
        use_log: Path | None = None,
        *,
        device: str | None = None,
        maps: bool = False,
    ) -> None:
        if predictor.normalization is not None and predictor.normalization.needs_device:
            raise BreathlineError(
                "The model needs the mean of several recordings of a device, and a request has one recording.",
                where=predictor.identity.label,
                hint="predict a folder of recordings by `breathline predict`, or serve a model without "
                "`spectrum: device_of_the_data`",
            )
        self._predictor, self._use_log, self._device = predictor, use_log, device
        self.limits, self.metrics = limits, Metrics()
        self.model = answers.model(predictor.identity)
        self.facts = model_facts.shown(predictor.facts)
        run = _mapping(predictor).run if maps else predictor.engine.run
        self._batcher = Batcher(run, self.metrics.batch.observe)
        self.metrics.info.labels(self.model.label, self.model.id or "").set(1)

    def answer(self, upload: Upload, ticket: Ticket, request_id: str) -> answers.Answer:
        """Return the answer to an upload.

        Args:
            upload: Recording.
            ticket: Time and cancellation of the request.
            request_id: Id of the request.

        Raises:
            RequestError: The recording cannot be read, is too long, or takes too long.
        """
        maps: list[SegmentMap] = []

        def run(waveforms: Sequence[npt.NDArray[np.float32]], offsets: Offsets | None) -> Outputs:
            found: Outputs = self._batcher.run(waveforms, offsets, ticket)
            if self._predictor.normalization is None or offsets is not None:  # else the run is for the means
                maps.extend(getattr(found, "maps", ()))
            return found

        options = Options(max_seconds=self.limits.max_seconds)
        try:
            found = self._predictor.predict(upload.path, options, run=run, on_progress=lambda _: ticket.check())
        except RequestError:  # it took too long
            self._log(None, upload)
            raise
        except BreathlineError as error:
            self._log(None, upload)
            raise _refusal(error, upload) from error
        self._log(found, upload)
        self.metrics.audio.inc(found.seconds)
        for segment in found.segments:
            self.metrics.segments.labels(segment.decision).inc()
        mapped = list(zip(self._predictor.heard(found), maps, strict=True)) if maps else []
        return answers.answer(found, name=upload.label, request_id=request_id, maps=mapped)

    def _log(self, prediction: Prediction | None, upload: Upload) -> None:
        """Add an entry to the log of use, without names, if there is a log.

        Args:
            prediction: Prediction of the upload; None for a recording that could not be predicted.
            upload: Recording.

        Raises:
            RequestError: The log cannot be written: a prediction that has to be logged is not given out without it.
        """
        if self._use_log is None:
            return
        try:
            digest, identity = sha256(upload.path), self._predictor.identity
            if prediction is None:
                entry = use_entries.of_failure(identity, file_sha256=digest, user=CLIENT, device=self._device)
            else:
                entry = use_entries.of_prediction(prediction, file_sha256=digest, user=CLIENT, device=self._device)
            use_log.append(self._use_log, [entry])
        except (BreathlineError, OSError) as error:
            hint = "ask the operator of this server to make room for its log of use"
            raise RequestError(507, "The server cannot log the use of the model.", hint=hint) from error

    def description(self) -> dict[str, Any]:
        """Return the facts of the model, its card and the limits of requests."""
        card, limits = self._predictor.facts.card, vars(self.limits)
        return {"notice": CAUTION, **self.model.model_dump(), "facts": self.facts, "limits": limits, "card": card}

    def is_ready(self) -> bool:
        """Return whether predictions can be made."""
        return self._batcher.is_alive()

    def close(self) -> None:
        """End the engine's thread."""
        self._batcher.close()


def _mapping(predictor: Predictor) -> MappingEngine:
    """Return the engine of a model with maps.

    Raises:
        BreathlineError: The engine is not that of PyTorch, or no method draws maps of the network.
    """
    if predictor.engine.name != "torch":
        what = f"The engine {predictor.engine.name} draws no maps."
        raise BreathlineError(what, where="--maps", hint="add `--engine torch`")
    from tasks.prediction.maps import MappingEngine  # with torch

    return MappingEngine(predictor.engine)  # type: ignore[arg-type]


def _refusal(error: BreathlineError, upload: Upload) -> RequestError:
    """Return the problem of a recording that cannot be predicted, without the path of its temporary file."""
    named = f"The recording {upload.path.name} "
    what = error.what.replace(named, f"The recording {upload.label} ").replace(str(upload.path), upload.label)
    hint = (error.hint or "send another recording").replace(str(upload.path), upload.label)
    return RequestError(422, what, hint=hint)
