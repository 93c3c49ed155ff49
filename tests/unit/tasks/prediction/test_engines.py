"""Engines: choice, equal meaning of their outputs, and files that are damaged or of another model."""

from pathlib import Path

import numpy as np
import pytest

from tasks.prediction import predictor
from tasks.prediction.engines.base import BATCH
from tasks.prediction.engines.choice import open_engine
from tasks.prediction.facts import ModelFacts
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks import models_on_disk
from tests.unit.tasks.prediction import onnx_model

LENGTHS = [16_000, 5, 16_001, 8000, *range(100, 100 + 2 * BATCH)]
WAVEFORMS = [np.full(length, 0.01 * index, dtype=np.float32) for index, length in enumerate(LENGTHS)]


def engine(folder: Path, choice="auto"):
    return open_engine(folder, ModelFacts.read(folder), choice)


def test_onnxruntime_runs_an_export_in_batches(tmp_path):
    found = engine(onnx_model.write(tmp_path))
    assert (found.name, found.rate, found.clip_samples, found.faded) == ("onnx", 16_000, 16_000, True)
    outputs = found.run(WAVEFORMS)
    assert outputs.probabilities.shape == (len(LENGTHS), 4)
    first = outputs.probabilities[:BATCH]
    levels = [0.01 * index * length / max(LENGTHS[:BATCH]) for index, length in enumerate(LENGTHS[:BATCH])]
    assert first[:, 1] == pytest.approx(0.75 * np.array(levels), abs=1e-6)
    assert outputs.decisions.dtype == np.int64
    assert outputs.distances == pytest.approx(10 * outputs.embeddings[:, 0], abs=1e-5)
    assert outputs.means is None


def test_the_folder_of_a_student_runs_on_torch_and_lacks_the_file_of_onnxruntime(tmp_path):
    folder = models_on_disk.write(tmp_path)
    found = engine(folder)
    outputs = found.run(WAVEFORMS[:3])
    assert (found.name, outputs.probabilities.shape, outputs.distances) == ("torch", (3, 4), None)
    alone = found.run(WAVEFORMS[1:2])
    assert alone.probabilities == pytest.approx(outputs.probabilities[1:2], abs=1e-6)
    with pytest.raises(BreathlineError, match=r"no model\.onnx(.|\n)*breathline export onnx.*--engine torch"):
        engine(folder, "onnx")


def test_the_facts_of_an_export_are_applied(tmp_path):
    model = predictor.load(onnx_model.write(tmp_path), "level")
    assert (model.identity.id, model.identity.engine) == ("0123456789abcdef", "onnx")
    assert "learned from generated sounds" in model.identity.banner
    noise = np.random.default_rng(0).normal(0, 0.2, 16_000)
    quiet, loud = (model.predict(predictor.array(level * noise, 16_000)).segments[0] for level in (0.1, 2.4))
    assert (quiet.decision, quiet.predicted) == ("judged", "normal")
    assert (loud.decision, loud.predicted) == ("unlike", "normal")
    assert loud.distance > 3


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "onnxruntime cannot load the network"),
        (lambda path: path.write_bytes(b""), "onnxruntime cannot load the network"),
        (lambda path: path.write_text("<html>not found</html>"), "onnxruntime cannot load the network"),
        (lambda path: onnx_model.write(path.parent, ("samples", "lengths")), "has the inputs lengths, samples, not"),
    ],
)
def test_a_damaged_or_foreign_file_is_named(tmp_path, damage, words):
    folder = onnx_model.write(tmp_path)
    damage(folder / "model.onnx")
    with pytest.raises(BreathlineError, match=rf"{words}(.|\n)*model\.onnx(.|\n)*--engine torch"):
        engine(folder)
