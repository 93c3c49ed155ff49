"""A trained model from promotion to prediction: the same features and probabilities as the stages', bit for bit."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from flows import registry
from models.frontends.registry import create_array
from models.training.features import Features
from tasks.features.arrays import compute
from tasks.prediction import predictor
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.pipeline import runs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(finished_run, tmp_path_factory) -> Path:
    """Return a copy of the finished run, its student exported as ONNX and promoted."""
    folder = runs.copy(finished_run, tmp_path_factory.mktemp("registry") / "project")
    runs.edit(folder, lambda params: params["export"].update(onnx=True))
    runs.repro(folder, "export")
    with pytest.raises(BreathlineError, match="it learned from generated sounds"):
        registry.promote(folder)
    printed = toy.call(folder, "breathline", "registry", "promote", "--allow", "demo", "--allow", "degenerate")
    assert "student@v1.0.0" in printed
    assert "it learned from generated sounds and says nothing about real lungs; it is in production" in printed
    return folder


def test_a_version_of_generated_sounds_gets_no_other_registry_stage_unless_told(project):
    with pytest.raises(BreathlineError, match="it learned from generated sounds") as error:
        registry.assign(project, "student@v1.0.0", "staging")
    assert str(error.value.where) == "student@v1.0.0"


@pytest.mark.parametrize(("engine", "tolerance"), [("onnx", 1e-4), pytest.param("torch", 1e-5, marks=pytest.mark.long)])
def test_predictions_of_a_version_are_those_of_evaluate(project, engine, tolerance):
    before, out = toy.call(project, "git", "status", "--porcelain"), str(project.parent / f"{engine}.parquet")
    chosen = ("--model", "student@v1.0.0", "--engine", engine)
    printed = toy.call(project, "breathline", "predict", str(runs.AUDIO), *chosen, "--out", out)
    assert "This model learned from generated sounds: it says nothing about real lungs." in " ".join(printed.split())
    said = pl.read_parquet(out)
    judged = pl.read_parquet(project / "data/evaluation/predictions.parquet").filter(pl.col("model") == "student/1")
    both = judged.join(said, on="cycle_id", suffix="_said")
    assert both.height == judged.height > 20
    columns = [name for name in judged.columns if name.startswith("p_")]
    assert max(both[name].max() - both[name].min() for name in columns) > 0.002, "the model tells cycles apart"
    for name in columns:
        assert np.abs(both[name] - both[f"{name}_said"]).max() < tolerance
    assert said["model"].unique().to_list() == ["student@v1.0.0 (production), seed 1"]
    assert toy.call(project, "git", "status", "--porcelain") == before


def test_the_features_of_a_recording_are_those_of_the_cache(project):
    """The waveforms of the recording in blocks have, bit by bit, the features of the extracted cycles."""
    model = predictor.load(registry.fetch(project, "student"), "student", engine="torch")
    cache = Features(project / "data/fbank/efficientat" / runs.CORPUS)
    front_end = create_array("efficientat", model.facts.duration_s)
    for wav in sorted((project / runs.AUDIO).glob("*.wav"))[:3]:
        waveforms = []

        def run(some, offsets=None, waveforms=waveforms):
            waveforms.extend(some)
            return model.engine.run(some, offsets)

        found = model.predict(wav, run=run)
        rows = cache.find(one.cycle_id for one in found.segments)
        stored = np.load(project / "data/fbank/efficientat" / runs.CORPUS / "features.npy", mmap_mode="r")[rows]
        assert np.array_equal(compute(front_end, waveforms)[0], stored)


def test_a_version_is_a_commit_that_dvc_takes_for_up_to_date(project, tmp_path):
    clone = tmp_path / "clone"
    toy.call(tmp_path, "git", "clone", "--quiet", str(project), str(clone))
    toy.call(clone, "git", "switch", "--quiet", "--detach", "student@v1.0.0")
    toy.call(clone, "dvc", "config", "--local", "cache.dir", str(project / ".dvc" / "cache"))
    toy.call(clone, "dvc", "checkout", "--quiet")
    assert json.loads(toy.call(clone, "dvc", "status", "--json")) == {}
    printed = toy.call(clone, "breathline", "registry", "list")
    assert "student@v1.0.0" in printed
    assert "student@v1.0.0: it learned from generated sounds and says nothing about real lungs" in printed


def test_a_recording_from_elsewhere_is_cut_into_windows(project, tmp_path):
    samples, _ = soundfile.read(next(iter(sorted((project / runs.AUDIO).glob("*.wav")))))
    samples = samples if samples.ndim == 1 else samples[:, 0]
    soundfile.write(tmp_path / "ward 3.wav", np.column_stack([samples, samples]), 11_025, subtype="FLOAT")
    printed = " ".join(toy.call(project, "breathline", "predict", str(tmp_path / "ward 3.wav")).split())
    windows = int(np.ceil(len(samples) / 11_025 / 2.0))
    assert f"{windows} segments of 1 recording:" in printed
    assert "student@v1.0.0" in printed
    assert "not a medical device" in printed
