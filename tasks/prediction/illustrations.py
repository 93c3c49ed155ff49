"""Sounds, and with PyTorch maps, of some segments, for a page that shows and plays them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.prediction.engines.base import Outputs, Samples
from tasks.prediction.predictor import Predictor
from tasks.prediction.results import Prediction, Segment

if TYPE_CHECKING:
    from tasks.prediction.maps import SegmentMap

ABNORMAL, NORMAL, ALL = 12, 3, 150  # segments of a recording that are shown, and of all recordings


@dataclass(frozen=True)
class Illustration:
    """Sound of a segment.

    Attributes:
        segment: Segment.
        waveform: Waveform ``(samples,)`` at the rate of the model, as far as the model hears it.
        map: Map of the segment; None without PyTorch.
    """

    segment: Segment
    waveform: Samples
    map: SegmentMap | None


class Illustrator:
    """Collection of the sounds of a few segments of each recording, mostly abnormal ones, while they are predicted.

    Args:
        model: Model that predicts. On the engine of PyTorch, maps are drawn of the segments that are kept.
    """

    def __init__(self, model: Predictor) -> None:
        self._model = model
        self._engine: Any = model.engine
        if model.engine.name == "torch":
            from tasks.prediction.maps import mapping_engine  # with torch

            self._engine = mapping_engine(model.engine) or model.engine
        self._kept: dict[int, tuple[Samples, SegmentMap | None]] = {}  # by the position among the waveforms
        self._seen = self._total = 0
        self._counts = [0, 0]
        self.by_recording: list[list[Illustration]] = []

    def run(self, waveforms: Sequence[Samples], offsets: Samples | None) -> Outputs:
        """Return the outputs of the engine, and keep some of the waveforms."""
        if offsets is None and self._model.normalization is not None:  # the reading that measures the offsets
            return self._model.engine.run(waveforms)
        outputs = self._model.engine.run(waveforms, offsets)
        chosen = [index for index, label in enumerate(outputs.decisions.tolist()) if self._is_wanted(label != 0)]
        maps: Sequence[SegmentMap | None] = [None] * len(chosen)
        if chosen and self._engine is not self._model.engine:
            added = None if offsets is None else offsets[chosen]
            maps = self._engine.run([waveforms[index] for index in chosen], added).maps
        for index, drawn in zip(chosen, maps, strict=True):
            self._kept[self._seen + index] = (waveforms[index], drawn)
        self._seen += len(waveforms)
        return outputs

    def _is_wanted(self, abnormal: bool) -> bool:
        limit = ABNORMAL if abnormal else NORMAL
        if self._counts[abnormal] >= limit or self._total >= ALL:
            return False
        self._counts[abnormal] += 1
        self._total += 1
        return True

    def take(self, prediction: Prediction | None) -> None:
        """Assign what was kept to the segments of the recording that was just read; None if it has no prediction."""
        if prediction is not None:
            heard = self._model.heard(prediction)
            kept = [(heard[index], *found) for index, found in sorted(self._kept.items()) if index < len(heard)]
            self.by_recording.append([Illustration(*one) for one in kept if one[0].predicted is not None])
        self._kept, self._seen, self._counts = {}, 0, [0, 0]
