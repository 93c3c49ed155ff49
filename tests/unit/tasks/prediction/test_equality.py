"""One recording, three ways: the functions of the pipeline, PyTorch's engine, and onnxruntime's."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from models import artifact
from models.decision_rules import DecisionRule
from models.export import assembly
from models.frontends.registry import create_array
from tasks.corpora import extraction
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.distillation.soft_labels import combine
from tasks.exporting import onnx_file
from tasks.features.arrays import compute
from tasks.prediction import predictor
from tasks.runtime.files import write_json
from tests.unit.models.export import cards

DURATION_S = 2.5
TOLERANCE = 1e-4


def export(folder: Path, frontend: str) -> Path:
    """Write an export with a small network that was never trained."""
    folder.mkdir()
    card, state = cards.model(frontend, *cards.TINY[frontend], duration_s=DURATION_S, threshold=0.3)
    save_file(state, folder / "model.safetensors")
    write_json(folder / "model.json", card)
    onnx_file.write(folder / "model.onnx", assembly.load(folder)[0], {})
    return folder


def of_pipeline(folder: Path, wav: Path, frontend: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return ids, probabilities and classes of the cycles of a recording, by the functions of the stages."""
    front_end = create_array(frontend, DURATION_S)
    found = extraction.extract(wav, CORPUS, [front_end.sample_rate])
    features, _ = compute(front_end, found.audio[front_end.sample_rate])
    network = assembly.load(folder)[0].network
    with torch.inference_mode():
        probabilities = combine([network(torch.from_numpy(features).float()).numpy()])
    rule = DecisionRule.from_card(artifact.read_json(folder / "model.json"), "val")
    return [row["cycle_id"] for row in found.cycles], probabilities, rule.predict(probabilities)


def compare(folder: Path, wavs: list[Path], frontend: str) -> int:
    """Assert that all three ways agree; return the number of cycles that were compared."""
    engines = [predictor.load(folder, "model", engine=name) for name in ("onnx", "torch")]
    count = 0
    for wav in wavs:
        ids, wanted, classes = of_pipeline(folder, wav, frontend)
        for model in engines:
            segments = {one.cycle_id: one for one in model.predict(wav).segments}
            for cycle_id, row, label in zip(ids, wanted, classes, strict=True):
                if (one := segments.get(cycle_id)) is None or one.predicted is None:
                    continue
                assert np.abs(np.array(one.judgement.probabilities) - row).max() < TOLERANCE, (
                    model.engine.name,
                    cycle_id,
                )
                close = abs(row[0] - 0.3) < TOLERANCE or np.diff(np.sort(row[1:]))[-1] < TOLERANCE
                assert close or one.predicted == model.facts.classes[label]
                count += 1
    return count


@pytest.mark.slow  # 8 s: an ONNX file of a network and its front end is made
def test_generated_recordings(tmp_path):
    frontend = "efficientat"
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * 4000)
    wav = tmp_path / "101_1b1_Al_sc_Meditron.wav"
    soundfile.write(wav, noise, 4000)
    wav.with_suffix(".txt").write_text("0.1\t0.9\t0\t0\n0.9\t3.4\t0\t0\n3.4\t7.9\t1\t0\n")
    assert compare(export(tmp_path / "model", frontend), [wav], frontend) == 6
