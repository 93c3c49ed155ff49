"""Maps of segments against maps of the features of a cycle, and what they show of a sound at one place."""

import numpy as np
import pytest
import torch

from models import artifact
from models.explanation import cells, maps
from tasks.prediction import predictor
from tasks.prediction.maps import MappingEngine
from tasks.runtime.errors import BreathlineError
from tests.unit.models.export import cards


def engine(folder, frontend, architecture=None, **entries):
    card, state = cards.model(frontend, *(architecture or cards.TINY[frontend]), **entries)
    artifact.save(folder, {"val": state}, card)
    return predictor.load(folder, "model", engine="torch").engine


def noise(one, seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * one.rate)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frontend", "method", "heads"),
    [
        pytest.param("ast", "gradient_attention", None, marks=pytest.mark.long),
        ("efficientat", "layer_cam", cards.HEADS),
    ],
)
def test_the_map_is_that_of_the_network_for_its_class(tmp_path, frontend, method, heads):
    one = engine(tmp_path, frontend, heads=heads)
    waveform = noise(one, 1.0)
    found = MappingEngine(one).run([waveform, noise(one, 0.5, 1)])
    assert np.array_equal(found.probabilities, one.run([waveform, noise(one, 0.5, 1)]).probabilities)
    first, second = found.maps
    assert first.method == method
    assert (first.values.min() >= 0, first.values.max()) == (True, 1)
    assert first.values.shape == (len(first.seconds), len(first.hertz))
    assert second.seconds[-1] < 0.5 + 0.06
    features = one.network.features(torch.from_numpy(waveform)[None], torch.tensor([len(waveform)])).float()
    logits = one.network.network(features)[0].tolist()
    columns = [[0, 4], [1, 5, 6], [2, 7], [3]] if heads else [[0], [1], [2], [3]]
    target = max(columns[found.decisions[0]], key=lambda column: logits[column])
    expected = maps.draw(method, one.network.network, features, torch.tensor([target]), torch.zeros(features.shape[2]))
    expected = cells.mean(expected.detach())[0].clamp_min(0).numpy()
    assert np.allclose(first.values, expected / expected.max(), atol=2e-3)


@pytest.mark.slow
def test_a_short_segment_in_a_clip_with_silence_on_both_sides_has_its_own_columns(tmp_path):
    one = engine(tmp_path, "efficientat", pad="zero")
    (found,) = MappingEngine(one).run([noise(one, 0.4)]).maps
    assert 0 <= found.seconds[0] < found.seconds[-1] <= 0.4
    (tiny,) = MappingEngine(one).run([noise(one, 0.01)]).maps
    assert len(tiny.seconds) == 1


@pytest.mark.slow
def test_a_network_without_a_method_is_refused(tmp_path, monkeypatch):
    one = engine(tmp_path, "efficientat")
    monkeypatch.setattr(type(one.network.network), "map_axes", None)
    with pytest.raises(BreathlineError, match="No method draws maps"):
        MappingEngine(one)
