"""Maps of segments: the parts of the spectrogram on which the predicted class depends, drawn by PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.explanation import cells, maps
from models.explanation.settings import Method
from models.frontends.axes import axes
from models.frontends.clip import cycle_span
from models.heads import Heads
from tasks.prediction.engines.base import Engine, Outputs, Samples
from tasks.prediction.engines.pytorch import TorchEngine
from tasks.runtime.errors import BreathlineError

METHODS: tuple[Method, ...] = ("gradient_attention", "layer_cam")  # those that need no training cycles
AT_ONCE = 8  # segments of one pass with gradients


@dataclass(frozen=True)
class SegmentMap:
    """Map of one segment, as means over cells of some frames and mel bins.

    Attributes:
        method: Name of the method.
        seconds: Middle of each column from the start of the segment, in seconds.
        hertz: Centre of each row in Hz.
        values: Relevance ``(columns, rows)`` for the predicted class, 0 to 1, the largest being 1.
    """

    method: Method
    seconds: tuple[float, ...]
    hertz: tuple[float, ...]
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class MappedOutputs(Outputs):
    """Outputs with the map of each waveform."""

    maps: Sequence[SegmentMap] = ()


class MappingEngine:
    """Engine of PyTorch that also draws the maps of its waveforms, for the class of each.

    Args:
        engine: Engine with the model.

    Raises:
        BreathlineError: No method draws maps of the network.
    """

    def __init__(self, engine: TorchEngine) -> None:
        self._engine = engine
        found = [method for method in METHODS if maps.fits(method, engine.network.network)]
        if not found:
            what = f"No method draws maps of the network {engine.facts.architecture}."
            raise BreathlineError(what, where="--maps", hint="leave --maps out")
        self.method = found[0]
        placed = axes(engine.network.front_end)
        self._seconds = cells.centres(placed.seconds, cells.FRAMES)
        self._hertz = tuple(cells.centres(placed.hertz, cells.MELS).round(1).tolist())
        self._columns = _columns(Heads.from_card(engine.facts.card), len(engine.facts.classes))

    def run(self, waveforms: Sequence[Samples], offsets: Samples | None = None) -> MappedOutputs:
        """Return the outputs for waveforms, and their maps; see `Engine.run`."""
        outputs = self._engine.run(waveforms, offsets)
        found: list[SegmentMap] = []
        for start in range(0, len(waveforms), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            added = None if offsets is None else offsets[some]
            found += self._draw(waveforms[some], outputs.decisions[some], added)
        return MappedOutputs(**vars(outputs), maps=found)

    def _draw(
        self, waveforms: Sequence[Samples], decisions: npt.NDArray[np.int64], offsets: Samples | None
    ) -> list[SegmentMap]:
        network, device = self._engine.network, self._engine.device
        lengths = torch.tensor([len(one) for one in waveforms])
        batch = torch.zeros(len(waveforms), int(lengths.max()))
        for row, waveform in zip(batch, waveforms, strict=True):
            row[: len(waveform)] = torch.from_numpy(waveform)
        with torch.no_grad():
            features = network.features(batch.to(device), lengths.to(device)).float()
            if offsets is not None:
                features += torch.from_numpy(np.asarray(offsets, dtype=np.float32)).to(device)[:, None, :]
            logits = network.network(features)
        targets = [
            max(self._columns[target], key=lambda column, row=row: float(row[column]))  # type: ignore[misc]
            for row, target in zip(logits, decisions.tolist(), strict=True)
        ]
        nothing = torch.zeros(features.shape[2], device=device)
        drawn = maps.draw(self.method, network.network, features, torch.tensor(targets, device=device), nothing)
        return [self._cut(values, len(one)) for values, one in zip(_scaled(drawn), waveforms, strict=True)]

    def _cut(self, values: npt.NDArray[np.float32], samples: int) -> SegmentMap:
        """Return a map without the columns that repeat the segment, or are padding."""
        length = self._engine.clip_samples / self._engine.rate
        share = min(1.0, samples / self._engine.clip_samples)
        start, end = (length * edge for edge in cycle_span(share, self._engine.facts.card.get("pad", "repeat")))
        own = (self._seconds >= start) & (self._seconds < end)
        own |= ~own.any() & (np.arange(len(own)) == np.abs(self._seconds - start).argmin())  # at least one column
        seconds = tuple((self._seconds[own] - start).round(3).tolist())
        return SegmentMap(self.method, seconds, self._hertz, values[own].round(3))


def mapping_engine(engine: Engine) -> MappingEngine | None:
    """Return an engine that also draws maps; None if no method draws those of its network, or it is not PyTorch's."""
    if not isinstance(engine, TorchEngine) or not any(maps.fits(method, engine.network.network) for method in METHODS):
        return None
    return MappingEngine(engine)


def _columns(heads: Heads | None, classes: int) -> list[list[int]]:
    """Return the outputs of the network that belong to each class; several, if corpora have heads of their own."""
    if heads is None:
        return [[index] for index in range(classes)]
    found: list[list[int]] = [[] for _ in range(classes)]
    for corpus, columns in heads.columns():
        for index, shared in enumerate(heads.by_corpus[corpus].shared):
            if shared is not None:
                found[shared].append(columns.start + index)
    return found


def _scaled(drawn: Tensor) -> npt.NDArray[np.float32]:
    """Return maps ``(batch, frames, mels)`` as means over cells, without negative values, the largest being 1."""
    found = cells.mean(drawn.detach()).clamp_min(0)
    found = found / found.amax((1, 2), keepdim=True).clamp_min(torch.finfo(found.dtype).tiny)
    return np.asarray(found.float().cpu().numpy())
