"""What a network is shown in each step of an epoch: a function of the seed, the epoch and the step alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.training.distributed import Team
from models.training.features import Features
from models.training.objectives import Targets
from models.training.randomness import generator
from models.training.samplers import Sampler
from models.training.selection import Part
from models.training.settings import TrainingSettings
from models.training.specaugment import SpecAugment
from models.training.transfers import send
from models.training.waveform import Waveform


@dataclass(frozen=True)
class MicroBatch:
    """What passes the network at once: features ``(cycles, frames, mels)``, targets, and their share of the loss."""

    features: Tensor
    targets: Targets
    share: float


class Batches:
    """Batches of the training cycles, augmented on the device, in micro-batches where they would not fit.

    Every process of a team draws, reads and augments whole batches, and keeps its slice: so all draw the same numbers,
    whatever their number, and the little that is done twice is nothing beside the network.

    Args:
        settings: How they are drawn, changed and cut.
        part: The training cycles.
        features: Their features.
        seed: Of all that is drawn.
        device: Where they are needed.
        team: Whose slice of each batch.
        draw: What an objective draws for parts of so many cycles.

    Attributes:
        steps: Batches of an epoch. All are whole: the few cycles left over would upset BatchNorm.

    Raises:
        ValueError: The processes cannot have equal slices, or the waveform's augmentations do not fit the features.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        part: Part,
        features: Features,
        *,
        seed: int,
        device: torch.device,
        team: Team,
        draw: Callable[[Sequence[int], torch.Generator], Sequence[Any]],
    ) -> None:
        if settings.batch_size % team.size:
            raise ValueError(f"{team.size} processes cannot share batches of {settings.batch_size} cycles equally.")
        self.steps = len(part.rows) // settings.batch_size
        self.batch_size = settings.batch_size
        self._part, self._features, self._seed, self._device, self._draw = part, features, seed, device, draw
        self._sampler = Sampler(settings.sampler, part.labels)
        self._waveform = Waveform(settings.waveform, features.frontend)
        self._specaugment = SpecAugment(settings.specaugment)
        self._labels = torch.from_numpy(part.labels).to(device)
        self._soft = None if part.soft is None else torch.from_numpy(part.soft).to(device)
        share = settings.batch_size // team.size
        size = settings.micro_batch or share
        starts = [first + start for first in range(0, settings.batch_size, share) for start in range(0, share, size)]
        ends = [min(start + size, (start // share + 1) * share) for start in starts]
        self._cuts = [(start, end, start // share == team.rank) for start, end in zip(starts, ends, strict=True)]
        self._share = share

    def epoch(self, epoch: int, done: int = 0) -> Iterator[list[MicroBatch]]:
        """Yield an epoch's batches but for the first ``done``."""
        order = self._sampler.draw(generator(self._seed, "order", epoch))
        order = order[: self.steps * self.batch_size].reshape(self.steps, self.batch_size)[done:]
        batches = self._features.batches(self._part.rows[order], self._device)
        for step, (positions, features) in enumerate(zip(order, batches, strict=True), start=done):
            yield self._batch(positions, features, generator(self._seed, "step", epoch, step))

    def _batch(self, positions: npt.NDArray[np.int64], features: Tensor, random: torch.Generator) -> list[MicroBatch]:
        """Return a batch, augmented, with its targets."""
        features = self._specaugment(self._waveform(features, random), random)
        index = send(torch.from_numpy(positions), self._device)
        labels, soft = self._labels[index], None
        if self._soft is not None:
            # Of several candidates one is drawn whenever a cycle is used.
            drawn = torch.randint(self._soft.shape[1], (len(positions),), generator=random)
            soft = self._soft[index, send(drawn, self._device)]
        micro_batches = []
        mixes = self._draw([end - start for start, end, _ in self._cuts], random)
        for (start, end, mine), mix in zip(self._cuts, mixes, strict=True):
            if mine:
                cut = slice(start, end)
                soft_cut = None if soft is None else soft[cut]
                targets = Targets(labels=labels[cut], soft=soft_cut, mix=mix, whole=labels)
                micro_batches.append(MicroBatch(features[cut], targets, (end - start) / self._share))
        return micro_batches
