"""Answers to clients: maps belong to their segments."""

import numpy as np

from tasks.prediction import predictor
from tasks.prediction.maps import SegmentMap
from tasks.serving import answers
from tests.unit.tasks.prediction import onnx_model

RATE = 8000


def test_maps_belong_to_their_segments_behind_one_without_finite_probabilities(tmp_path):
    loaded = predictor.load(onnx_model.write(tmp_path / "export"), "export")
    run = loaded.engine.run

    def first_is_not_finite(waveforms, offsets=None):
        outputs = run(waveforms, offsets)
        outputs.probabilities[0] = np.nan
        return outputs

    loaded.engine.run = first_is_not_finite
    noise = np.random.default_rng(1).normal(0, 0.1, 3 * RATE).astype(np.float32)
    found = loaded.predict(predictor.array(noise, RATE))
    maps = [SegmentMap("layer_cam", (0.5,), (100.0,), np.full((1, 1), level, np.float32)) for level in (0.1, 0.2, 0.3)]
    mapped = list(zip(loaded.heard(found), maps, strict=True))
    answer = answers.answer(found, name="a", request_id="1", maps=mapped)
    drawn = [None if one.map is None else round(one.map.values[0][0], 2) for one in answer.segments]
    assert drawn == [None, 0.2, 0.3]
