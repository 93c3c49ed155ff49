"""Normalisation by recordings and devices against plain NumPy, and the changes that it removes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training.features import Features
from models.training.normalization import CycleSources, Normalization
from models.training.settings import NormalizationSettings
from tests.unit.models.training.toys import MELS, write_cache

CPU = torch.device("cpu")
RECORDINGS = ["a", "b", "a", "c", "b", "a", "c", "c", "b", "d", "d", "a"]
DEVICES = {"a": "demo/Meditron", "b": "demo/Litt3200", "c": "demo/Meditron", "d": "other/Meditron"}
KINDS = [
    {"level": "recording"},
    {"spectrum": "recording"},
    {"spectrum": "device_of_the_data"},
    {"level": "recording", "spectrum": "device_of_the_data"},
]


@pytest.fixture
def cache(tmp_path: Path) -> Features:
    write_cache(tmp_path / "toy", np.arange(len(RECORDINGS)) % 4)
    return Features(tmp_path / "toy")


def sources(cache: Features, rows: range = range(len(RECORDINGS))) -> CycleSources:
    cycles = [list(cache.rows)[row] for row in rows]
    return CycleSources(cycles, [RECORDINGS[row] for row in rows], [DEVICES[RECORDINGS[row]] for row in rows])


def by_hand(features: np.ndarray, kind: dict[str, str], mean: np.ndarray) -> np.ndarray:
    """Return normalised features, with a loop over the groups."""
    found = features.copy()
    if kind.get("level") == "recording":
        for recording in set(RECORDINGS):
            rows = [row for row, name in enumerate(RECORDINGS) if name == recording]
            found[rows] += mean.mean() - found[rows].mean()
    group = {
        "recording": dict(zip(DEVICES, DEVICES, strict=True)),
        "device_of_the_data": DEVICES,
    }.get(kind.get("spectrum", ""), {})
    for name in set(group.values()):
        rows = [row for row, recording in enumerate(RECORDINGS) if group[recording] == name]
        found[rows] += mean - found[rows].mean((0, 1))
    return found


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_normalised_features_are_those_of_a_plain_loop(cache, kind):
    stored = np.load(cache.directory / "features.npy").astype(np.float64)
    stored_means = cache.means(np.arange(len(stored)))
    np.testing.assert_array_equal(stored_means, stored.mean(1))
    fitted = Normalization.fit(NormalizationSettings(**kind), stored_means[:5])
    np.testing.assert_allclose(fitted.mean, stored[:5].mean((0, 1)))
    cache.normalize(fitted, [sources(cache)])
    rows = np.array([7, 0, 3])
    wanted = by_hand(stored, kind, fitted.mean)[rows]
    np.testing.assert_allclose(cache.batch(rows, CPU), wanted, atol=1e-5)
    read_ahead = list(cache.batches([rows, rows[:1]], CPU))
    with cache.on_device(rows, CPU, gigabytes=1.0):
        in_memory = list(cache.batches([rows, rows[:1]], CPU))
    for batches in (read_ahead, in_memory):
        np.testing.assert_array_equal(batches[0], cache.batch(rows, CPU))
        np.testing.assert_array_equal(batches[1], cache.batch(rows[:1], CPU))
    cache.normalize(None, [])
    np.testing.assert_array_equal(cache.batch(rows, CPU), stored[rows].astype(np.float32))


SHIFT = st.floats(-30, 30)


@settings(max_examples=30)
@given(st.lists(SHIFT, min_size=4 * MELS, max_size=4 * MELS), st.sampled_from(KINDS))
def test_what_a_recording_or_device_adds_to_each_bin_is_removed(shifts, kind):
    """A level is removed per recording; a spectrum per recording or device."""
    means = np.random.default_rng(0).normal(0, 1, (len(RECORDINGS), MELS))
    added = np.array(shifts).reshape(4, MELS)
    names = sorted(DEVICES)
    if "spectrum" not in kind:
        added = np.repeat(added[:, :1], MELS, axis=1)  # one number for all bins
    elif kind["spectrum"] == "device_of_the_data":
        names = sorted(set(DEVICES.values()))
    devices = [DEVICES[recording] for recording in RECORDINGS]
    keys = devices if names != sorted(DEVICES) else RECORDINGS
    shifted = means + added[[names.index(key) for key in keys]]
    normalization = Normalization(NormalizationSettings(**kind), np.linspace(-1, 1, MELS))
    one, other = (each + normalization.offsets(each, RECORDINGS, devices) for each in (means, shifted))
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_sides_are_normalised_by_themselves(cache):
    fitted = Normalization.fit(NormalizationSettings(spectrum="device_of_the_data"), cache.means(np.arange(6)))
    alone, together = [], []
    for found, parts in ((alone, [range(6, 12)]), (together, [range(6), range(6, 12)])):
        cache.normalize(fitted, [sources(cache, part) for part in parts])
        found.append(cache.batch(np.arange(6, 12), CPU))
    assert torch.equal(alone[0], together[0])
    cache.normalize(fitted, [sources(cache, range(6))])
    with pytest.raises(ValueError, match="cycles without recording and device"):
        cache.batch(np.array([2, 7]), CPU)


def test_the_card_of_a_network_holds_its_normalisation():
    fitted = Normalization(NormalizationSettings(level="recording"), np.array([0.1, -1 / 3]))
    card = json.loads(json.dumps({"mels": 2, "normalization": fitted.card()}))
    again = Normalization.from_card(card)
    assert again is not None
    assert again.settings == fitted.settings
    assert np.array_equal(again.mean, fitted.mean)
    assert Normalization.from_card({"mels": 2}) is None
    for wrong in ({"level": "patient"}, {"mean": [1.0]}, {"phase": "none"}):
        with pytest.raises(ValueError, match="damaged, or of a later version"):
            Normalization.from_card({"mels": 2, "normalization": fitted.card() | wrong})
    with pytest.raises(ValueError, match=r"^level: none, because"):
        NormalizationSettings(level="recording", spectrum="recording")
