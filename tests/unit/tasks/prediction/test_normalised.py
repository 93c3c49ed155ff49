"""Predictions of models that normalise features by recording or by device, against the evaluation."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from models.frontends.registry import create_array
from models.training.features import Features
from models.training.inference import predict
from models.training.normalization import CycleSources
from models.training.settings import ComputeSettings
from tasks.corpora import extraction
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.features.arrays import compute
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks import models_on_disk
from tests.unit.tasks.prediction.recorded import annotated, normalised, write

KINDS = [{"level": "recording"}, {"spectrum": "recording"}, {"spectrum": "device_of_the_data"}]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_recording_is_predicted_with_the_normalisation_of_the_evaluation(tmp_path, kind):
    model = normalised(tmp_path / "model", kind)
    wavs = [
        annotated(tmp_path, "101_1b1_Al_sc_Meditron", 2.25, 1.0),
        annotated(tmp_path, "102_1b1_Al_sc_Meditron", 3, 0.1),
    ]
    (tmp_path / "silent.wav").write_bytes(b"no recording")
    offsets = model.device_offsets([*wavs, tmp_path / "silent.wav"])
    assert set(offsets) == (set(wavs) if kind == KINDS[2] else set())
    said = [one for wav in wavs for one in model.predict(wav, offsets=offsets.get(wav)).segments]
    front_end = create_array("ast", models_on_disk.DURATION_S)
    waveforms = [one for wav in wavs for one in extraction.extract(wav, CORPUS, [16_000]).audio[16_000]]

    cache, cycles = tmp_path / "cache", [one.cycle_id for one in said]
    cache.mkdir()
    np.save(cache / "features.npy", compute(front_end, waveforms)[0])
    pq.write_table(
        pa.table({"cycle_id": cycles, "row": np.arange(len(cycles), dtype=np.int32)}), cache / "index.parquet"
    )
    (cache / "statistics.json").write_text(json.dumps({"frontend": "ast", "duration_s": 1.0}))
    evaluated = Features(cache)
    own = [cycle.rpartition("_")[0] for cycle in cycles]
    evaluated.normalize(model.normalization, [CycleSources(cycles, own, ["icbhi/Meditron"] * len(cycles))])
    network, settings = model.engine.network.network, ComputeSettings(device="cpu", precision="fp32", threads=1)
    logits = predict(network, evaluated, evaluated.find(cycles), compute=settings)
    wanted = torch.from_numpy(logits).softmax(1).numpy()
    plain = Features(cache)
    unnormalised = predict(network, plain, plain.find(cycles), compute=settings)
    assert np.abs(logits - unnormalised).max() > 0.01
    found = np.array([one.judgement.probabilities for one in said])
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_model_normalised_by_device_needs_several_recordings(tmp_path):
    model = normalised(tmp_path / "model", {"spectrum": "device_of_the_data"})
    wav = write(tmp_path / "a.wav")
    said = (
        r"device_of_the_data(.|\n)*several recordings(.|\n)*1 is usable(.|\n)*folder of recordings of this one device"
    )
    with pytest.raises(BreathlineError, match=said):
        model.predict(wav)
    with pytest.raises(BreathlineError, match=said):
        model.device_offsets([wav, tmp_path / "missing.wav"])
