"""Answers of the server against the predictions that the same model makes of the same recordings without a server."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from models import artifact
from models.export import assembly
from models.export.clips import clips
from tasks.audio import reading, waveforms
from tasks.exporting import onnx_file
from tasks.prediction import predictor
from tests.unit.models.export import cards
from tests.unit.tasks.serving.servers import running_server

TOLERANCE = 1e-4
FLOAT32 = 1e-5  # largest difference of a feature between two computations in float32


def rounding(network, path, segment):
    """Return by how much a segment's probabilities depend on how features on the edge of two float16 are rounded.

    It is the sum of the largest changes of a probability by each of these features.
    """
    stored, front_end = reading.read(path), network.front_end
    times = [(segment.start_s, segment.end_s)]
    (waveform,) = waveforms.cut(stored.normalised(), stored.rate, front_end.sample_rate, times, faded=front_end.fade)
    with torch.no_grad():
        clip = clips(front_end, torch.from_numpy(waveform)[None], torch.tensor([len(waveform)]))
        features = front_end.features(clip)[0]
        low, high = (features - FLOAT32).half(), (features + FLOAT32).half()
        edges = (low != high).nonzero()
        turned = low.repeat(len(edges) + 1, 1, 1)
        turned[torch.arange(len(edges)), *edges.T] = high[*edges.T]
        probabilities = network.judge(turned)[0]
    return float((probabilities[:-1] - probabilities[-1]).abs().amax(1).sum())


def compared(server, direct, network, paths):
    """Ask for all recordings at once, and return the largest difference of a probability from a direct prediction.

    A difference at the tolerance or above is lessened by what the rounding of features explains.
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
        for told, one in zip(answer["segments"], expected, strict=True):
            assert (told["predicted"], told["decision"]) == (one.predicted, one.decision)
            assert (told["start_s"], told["end_s"]) == (one.start_s, one.end_s)
            if one.judgement.probabilities is not None:
                difference = np.array(list(told["probabilities"].values())) - one.judgement.probabilities
                found = float(np.abs(difference).max())
                largest = max(largest, found if found < TOLERANCE else found - rounding(network, path, one))
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
        assert compared(server, reference, network, recordings(real_icbhi, tmp_path / "real", 8)) < TOLERANCE
