"""Batches: a function of seed, epoch and step; slices for processes and micro-batches."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from models.training.augmentation_settings import SpecAugmentSettings, WaveformSettings
from models.training.batches import Batches, MicroBatch
from models.training.distributed import ProcessGroup
from models.training.features import Features
from models.training.selection import TrainingData
from tests.unit.models.training import toys


def draw(parts: Sequence[int], generator: torch.Generator) -> list[torch.Tensor]:
    return [torch.rand(cycles, generator=generator) for cycles in parts]


ALONE = ProcessGroup()


def epoch(data: TrainingData, number: int = 1, *, done: int = 0, group: ProcessGroup = ALONE, **changes: Any) -> list:
    seed = changes.pop("seed", 1)
    settings = toys.settings(**changes)
    device = torch.device("cpu")
    batches = Batches(settings, data.train, data.features, seed=seed, device=device, group=group, draw=draw)
    return list(batches.epoch(number, done=done))


def joined(micro_batches: list[MicroBatch]) -> list[torch.Tensor]:
    """Return the features, labels, soft labels and draws of micro-batches, one after the other."""
    targets = [micro_batch.targets for micro_batch in micro_batches]
    parts = [[one.features for one in micro_batches], *([getattr(t, n) for t in targets] for n in ("labels", "soft"))]
    return [torch.cat(part) for part in (*parts, [t.mix for t in targets])]


@pytest.fixture
def data(data: TrainingData) -> TrainingData:
    soft = np.random.default_rng(4).random((70, 3, 4), dtype=np.float32)
    return dataclasses.replace(data, train=dataclasses.replace(data.train, soft=soft))


def equal(one: list[Any], other: list[Any]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(torch.equal(a, b) for first, second in pairs for a, b in zip(joined(first), joined(second), strict=True))


def test_an_epoch_can_start_at_any_step(data):
    whole = epoch(data)
    assert len(whole) == 8
    assert equal(whole[5:], epoch(data, done=5))
    assert epoch(data, done=8) == []


def test_epochs_and_seeds_differ_in_order_and_random_choices(data):
    seen = [joined(epoch(data, number, seed=seed)[0]) for number, seed in ((1, 1), (2, 1), (1, 2))]
    for place in (0, 2, 3):  # features, soft labels, what the objective drew
        assert len({tensors[place].numpy().tobytes() for tensors in seen}) == 3


def test_slices_and_micro_batches_add_up_to_the_batch(data):
    whole = joined(epoch(data)[0])
    slices = [epoch(data, group=ProcessGroup(rank, 2), micro_batch=3)[0] for rank in (0, 1)]
    assert [[len(micro_batch.features) for micro_batch in some] for some in slices] == [[3, 1], [3, 1]]
    assert [micro_batch.weight for micro_batch in slices[0]] == [0.75, 0.25]
    together = joined(slices[0] + slices[1])
    assert all(torch.equal(one, other) for one, other in zip(whole[:3], together[:3], strict=True))
    assert all(torch.equal(part.targets.batch_labels, whole[1]) for part in slices[0] + slices[1])
    assert len(set(together[3].tolist())) == 8, "the slices have different random choices"
    alone = joined(epoch(data, micro_batch=4)[0])
    shared = joined([part for rank in (0, 1) for part in epoch(data, group=ProcessGroup(rank, 2))[0]])
    assert torch.equal(alone[3], shared[3])


def test_slices_and_micro_batches_are_augmented_as_the_batch_against_domain_shift(data):
    """Cycles are mixed with those of other slices, too."""
    data = toys.with_devices(data)
    whole = [joined(batch) for batch in epoch(data, **toys.AGAINST_SHIFT)]
    parts = [epoch(data, group=ProcessGroup(rank, 2), micro_batch=3, **toys.AGAINST_SHIFT) for rank in (0, 1)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert all(torch.equal(one, other) for one, other in zip(batch[:3], joined(first + second)[:3], strict=True))
    for option in toys.AGAINST_SHIFT:
        rest = {name: value for name, value in toys.AGAINST_SHIFT.items() if name != option}
        without = [joined(batch) for batch in epoch(data, **rest)]
        assert not all(torch.equal(one[0], other[0]) for one, other in zip(whole, without, strict=True)), option


def test_features_labels_and_soft_labels_are_of_the_same_cycles(data):
    stored = data.features.batch(data.train.rows, torch.device("cpu"))
    plain = SpecAugmentSettings(policy="none")
    for micro_batches in epoch(data, specaugment=plain, sampler="shuffle"):
        features, labels, soft, _ = joined(micro_batches)
        for one, label, drawn in zip(features, labels, soft, strict=True):
            cycle = (stored == one).all((1, 2)).nonzero().item()
            assert label == data.train.labels[cycle]
            assert any(np.array_equal(drawn, candidate) for candidate in data.train.soft[cycle])


def test_gain_requires_a_front_end_with_a_scale(data):
    statistics = data.features.directory / "statistics.json"
    statistics.write_text(json.dumps(json.loads(statistics.read_text()) | {"frontend": "fbank"}))
    data = dataclasses.replace(data, features=Features(data.features.directory))
    with pytest.raises(ValueError, match="not defined on features of the front end fbank"):
        epoch(data, waveform=WaveformSettings(gain=0.1))
    statistics.write_text(json.dumps(json.loads(statistics.read_text()) | {"frontend": "ast"}))
    data = dataclasses.replace(data, features=Features(data.features.directory))
    changed = joined(epoch(data, waveform=WaveformSettings(gain=0.5, probability=1.0))[0])[0]
    assert not torch.equal(changed, joined(epoch(data)[0])[0])
