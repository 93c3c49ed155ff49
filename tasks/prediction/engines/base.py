"""Interface of the engines: waveforms at the model's rate in, probabilities, decisions and embeddings out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from models.file_names import CARD
from models.frontends.registry import sample_rates
from tasks.prediction.facts import ModelFacts
from tasks.runtime.errors import BreathlineError

BATCH = 8  # waveforms that are computed together
Samples = npt.NDArray[np.float32]
Name = Literal["onnx", "torch"]


@dataclass(frozen=True)
class Outputs:
    """Outputs for some waveforms, in their order.

    Attributes:
        probabilities: Probabilities ``(waveforms, classes)`` of the network, not divided by its temperature.
        decisions: Class of each waveform ``(waveforms,)`` by the frozen decision rule.
        embeddings: Embeddings ``(waveforms, features)``.
        distances: Distances ``(waveforms,)`` from the training cycles; None for a model without them.
        means: Mean features ``(waveforms, mels)`` before offsets; None for a model without normalisation.
    """

    probabilities: npt.NDArray[np.float32]
    decisions: npt.NDArray[np.int64]
    embeddings: npt.NDArray[np.float32]
    distances: npt.NDArray[np.float32] | None = None
    means: npt.NDArray[np.float64] | None = None


FIELDS = {  # name of each output of the network, by field of `Outputs`
    "probabilities": "probabilities",
    "decisions": "decision",
    "embeddings": "embedding",
    "distances": "distance",
    "means": "means",
}


class Engine(ABC):
    """Trained network that runs on waveforms of any length.

    Attributes:
        name: Name of the engine.
        facts: Facts of the model.
        rate: Sample rate of the waveforms in Hz.
        clip_samples: Length of a clip in samples; what is behind it in a waveform has no influence.
        faded: Whether recordings are faded at their ends.
    """

    name: ClassVar[Name]

    def __init__(self, folder: Path, facts: ModelFacts) -> None:
        if facts.duration_s is None:
            raise BreathlineError("The model card has no `duration_s`.", where=folder / CARD, hint="train it again")
        self.facts = facts
        rates = sample_rates()
        if facts.sample_rate is None and facts.frontend not in rates:
            raise BreathlineError(
                f"There is no front end `{facts.frontend}`.", where=folder / CARD, hint="update Breathline"
            )
        self.rate = facts.sample_rate or rates[facts.frontend]
        self.clip_samples = round(facts.duration_s * self.rate)
        self.faded = bool(facts.card.get("fade", True))

    def run(self, waveforms: Sequence[Samples], offsets: Samples | None = None) -> Outputs:
        """Return the outputs for waveforms.

        Args:
            waveforms: Waveforms ``(samples,)`` float32, mono, at `rate`, with at least one sample each.
            offsets: Numbers ``(waveforms, mels)`` that are added to all frames of each, for a model that normalises
                its features; zeros, if None.
        """
        parts = []
        for start in range(0, len(waveforms), BATCH):
            some = waveforms[start : start + BATCH]
            lengths = np.array([len(waveform) for waveform in some], dtype=np.int64)
            batch = np.zeros((len(some), lengths.max()), dtype=np.float32)
            for row, waveform in zip(batch, some, strict=True):
                row[: len(waveform)] = waveform
            given = {"waveform": batch, "lengths": lengths}
            if self.facts.normalization is not None:
                mels = int(self.facts.card["mels"])
                added = np.zeros((len(some), mels)) if offsets is None else offsets[start : start + BATCH]
                given["offsets"] = np.asarray(added, dtype=np.float32)
            parts.append(self._run(given))
        return _joined(parts)

    @abstractmethod
    def _run(self, given: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Return the outputs of a batch by name.

        Args:
            given: `waveform` ``(batch, time)``, `lengths` ``(batch,)`` and, with normalisation, `offsets`.
        """


def _joined(parts: Sequence[dict[str, npt.NDArray[Any]]]) -> Outputs:
    """Return the outputs of all batches."""
    found: dict[str, Any] = {
        field: np.concatenate([part[name] for part in parts])
        for field, name in FIELDS.items()
        if parts and name in parts[0]
    }
    return Outputs(**found)
