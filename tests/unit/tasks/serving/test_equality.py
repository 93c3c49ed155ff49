"""Answers of the server against the predictions that the same model makes of the same recordings without a server."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from models import artifact
from models.export import assembly
from tasks.audio import reading, waveforms
from tasks.exporting import onnx_file
from tasks.prediction import predictor
from tests.unit.models.export import cards
from tests.unit.tasks.serving.servers import running_server

TOLERANCE = 1e-4


def judged(model, network, path, segment):
    """Return the probabilities that PyTorch gives for the features of a segment within the ONNX file.

    A few features on the edge of two float16 are rounded otherwise than by PyTorch, which may move a probability of a
    random network by more than the tolerance.
    """
    stored, front_end = reading.read(path), network.front_end
    times = [(segment.start_s, segment.end_s)]
    cut = waveforms.cut(stored.normalised(), stored.rate, front_end.sample_rate, times, faded=front_end.fade)
    given = onnx_file.stacked(cut)
    _, features = onnx_file.run_with_features(model / "model.onnx", given, network.output_names)
    with torch.inference_mode():
        own = network.features(*map(torch.from_numpy, (given["waveform"], given["lengths"]))).numpy()
        assert onnx_file.share_moved(features, own) <= onnx_file.MOVED
        return network.judge(torch.from_numpy(features))[0].numpy()[0]


def compared(server, direct, model, network, paths):
    """Ask for all recordings at once, and return the largest difference of a probability from PyTorch.

    PyTorch predicts the recording; if a difference reaches the tolerance, it judges the features of the ONNX file.
    """

    def ask(path):
        parts = {"file": path, "annotation": path.with_suffix(".txt")}
        files = {name: (part.name, part.read_bytes()) for name, part in parts.items() if part.exists()}
        return server.client.post("/predict", files=files).raise_for_status().json()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, paths))
    largest = 0.0
    for path, answer in zip(paths, answers, strict=True):
        expected = direct.predict(path).segments
        assert len(answer["segments"]) == len(expected)
        for answered, one in zip(answer["segments"], expected, strict=True):
            assert (answered["predicted"], answered["decision"]) == (one.predicted, one.decision)
            assert (answered["start_s"], answered["end_s"]) == (one.start_s, one.end_s)
            if one.judgement.probabilities is not None:
                found = np.array(list(answered["probabilities"].values()))
                difference = float(np.abs(found - one.judgement.probabilities).max())
                if difference >= TOLERANCE:
                    difference = float(np.abs(found - judged(model, network, path, one)).max())
                largest = max(largest, difference)
    return largest


def write(folder, frontend):
    """Write a random network of a front end, and return its folder."""
    torch.manual_seed(0)
    card, state = cards.model(frontend, *cards.TINY[frontend])
    artifact.save(folder, {"val": state}, card)
    return folder


def recordings(real, folder, count):
    """Copy real recordings, each second one with its annotation, to a folder, and return their paths."""
    folder.mkdir()
    found = sorted((real / "flac").glob("*.flac"))
    paths = [Path(shutil.copy(path, folder)) for path in found[:: len(found) // count][:count]]
    for path in paths[::2]:
        shutil.copy(real / "annotations" / f"{path.stem}.txt", folder)
    return paths


@pytest.mark.real
@pytest.mark.long
@pytest.mark.parametrize("frontend", ["ast", "efficientat"])
def test_answers_of_onnxruntime_equal_predictions_of_pytorch(tmp_path, real_icbhi, frontend):
    model = write(tmp_path / "model", frontend)
    network, _ = assembly.load(model)
    onnx_file.write(model / "model.onnx", network, {})
    (tmp_path / "uploads").mkdir()
    with running_server(tmp_path / "uploads", model) as server:
        assert server.engine.name == "onnx"
        reference = predictor.load(model, "reference", engine="torch")
        assert compared(server, reference, model, network, recordings(real_icbhi, tmp_path / "real", 8)) < TOLERANCE
