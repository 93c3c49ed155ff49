"""Batches of an epoch: sampling, augmentation and soft labels, determined by seed, epoch and step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.training.distributed import ProcessGroup
from models.training.features import Features
from models.training.mixstyle import FreqMixStyle
from models.training.objectives import Targets
from models.training.randomness import generator
from models.training.samplers import Sampler
from models.training.selection import LabelledCycles
from models.training.settings import TrainingSettings
from models.training.specaugment import SpecAugment
from models.training.transfers import to_device
from models.training.waveform import WaveformAugmentation


@dataclass(frozen=True)
class MicroBatch:
    """Part of a batch that passes the network at once."""

    features: Tensor  # features `(cycles, frames, mels)`
    targets: Targets  # labels, soft labels and random choices of the objective
    weight: float  # weight of the part in the mean loss of this process

    def cut(self, size: int) -> list["MicroBatch"]:
        """Return parts of at most ``size`` cycles, which the objective must be able to compute one by one."""
        count, targets = len(self.features), self.targets
        if count <= size:
            return [self]
        parts = [slice(start, min(start + size, count)) for start in range(0, count, size)]
        soft = [None if targets.soft is None else targets.soft[part] for part in parts]
        return [
            MicroBatch(
                self.features[part],
                replace(targets, labels=targets.labels[part], soft=soft_part),
                self.weight * (part.stop - part.start) / count,
            )
            for part, soft_part in zip(parts, soft, strict=True)
        ]


class Batches:
    """Batches of the training cycles, augmented on the device and cut into micro-batches.

    Every process of a group draws, reads and augments whole batches, and keeps its slice. The random numbers therefore
    do not depend on the number of processes; the repeated work is small compared with the network.

    Attributes:
        steps: Number of batches in an epoch. All are full; a smaller last batch would disturb BatchNorm.

    Raises:
        ValueError: The batch size is not a multiple of the number of processes, or the waveform's augmentations are not
            defined on the features.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        part: LabelledCycles,
        features: Features,
        *,
        seed: int,
        device: torch.device,
        group: ProcessGroup,
        draw: Callable[[Sequence[int], torch.Generator], Sequence[Any]],
        heads: Sequence[int] = (),
    ) -> None:
        if settings.batch_size % group.size:
            raise ValueError(f"{group.size} processes cannot share batches of {settings.batch_size} cycles equally.")
        self.steps = len(part.rows) // settings.batch_size
        self.batch_size = settings.batch_size
        self._part, self._features, self._seed, self._device, self._draw = part, features, seed, device, draw
        self._sampler = Sampler(settings.sampler, part.labels, part.domains, heads=heads)
        self._waveform = WaveformAugmentation(settings.waveform, features.frontend)
        self._mixstyle = FreqMixStyle(settings.freq_mixstyle)
        self._specaugment = SpecAugment(settings.specaugment)
        self._labels = torch.from_numpy(part.labels).to(device)
        self._soft = None if part.soft is None else torch.from_numpy(part.soft).to(device)
        slice_size = settings.batch_size // group.size
        size = settings.micro_batch or slice_size
        firsts = range(0, settings.batch_size, slice_size)
        starts = [first + start for first in firsts for start in range(0, slice_size, size)]
        ends = [min(start + size, (start // slice_size + 1) * slice_size) for start in starts]
        self._cuts = [(start, end, start // slice_size == group.rank) for start, end in zip(starts, ends, strict=True)]
        self._slice_size = slice_size

    def epoch(self, epoch: int, done: int = 0) -> Iterator[list[MicroBatch]]:
        """Yield the batches of an epoch, each as the micro-batches of this process.

        Args:
            epoch: Number of the epoch.
            done: Number of batches that are skipped, because an interrupted run has trained on them.
        """
        order = self.positions(epoch)[done:]
        batches = self._features.batches(self._part.rows[order], self._device)
        for step, (positions, features) in enumerate(zip(order, batches, strict=True), start=done):
            yield self._batch(positions, features, generator(self._seed, "step", epoch, step))

    def positions(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return the positions ``(steps, batch_size)`` of an epoch's batches among the training cycles."""
        order = self._sampler.draw(generator(self._seed, "order", epoch))
        return order[: self.steps * self.batch_size].reshape(self.steps, self.batch_size)

    def _batch(self, positions: npt.NDArray[np.int64], features: Tensor, random: torch.Generator) -> list[MicroBatch]:
        """Return the micro-batches of one augmented batch."""
        for augmentation in (self._waveform, self._mixstyle, self._specaugment):
            features = augmentation(features, random)
        index = to_device(torch.from_numpy(positions), self._device)
        labels, soft = self._labels[index], None
        if self._soft is not None:
            # One of several candidates is drawn each time a cycle is used.
            drawn = torch.randint(self._soft.shape[1], (len(positions),), generator=random)
            soft = self._soft[index, to_device(drawn, self._device)]
        micro_batches = []
        mixes = self._draw([end - start for start, end, _ in self._cuts], random)
        for (start, end, mine), mix in zip(self._cuts, mixes, strict=True):
            if mine:
                cut = slice(start, end)
                soft_cut = None if soft is None else soft[cut]
                targets = Targets(labels=labels[cut], soft=soft_cut, mix=mix, batch_labels=labels)
                micro_batches.append(MicroBatch(features[cut], targets, (end - start) / self._slice_size))
        return micro_batches
