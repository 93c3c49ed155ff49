"""The whole stage `export` on untrained networks."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file

from tasks import export
from tasks.prediction.calibration import calibrate
from tasks.prediction.facts import ModelFacts, banner
from tasks.runtime import corpus_facts, files, params
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.files import sha256
from tests.unit.tasks import test_evaluate
from tests.unit.tasks.evaluation.example import facts
from tests.unit.tasks.test_evaluate import change

evaluated = test_evaluate.project
FIGURES = ("score_strict", "score_lenient", "sp", "se_strict", "se_lenient")
CLEAN = dict.fromkeys(("dc_offset", "clipped_fraction", "longest_constant_s", "silent_fraction", "mix_loss_db"), 0.0)


def figures_of(value: float, flag: str | None) -> dict:
    limits = {end: dict.fromkeys(FIGURES, value + step) for end, step in (("low", -5.0), ("high", 5.0))}
    return {"val": dict.fromkeys(FIGURES, value) | limits | {"degenerate": flag}}


@pytest.fixture
def project(evaluated: Path) -> Path:
    """Return a project in which all stages before `export` have run, with figures that were made up."""
    recordings = pl.read_parquet(evaluated / "data/cycles/recordings.parquet").with_columns(
        **{name: pl.lit(value) for name, value in (CLEAN | {"peak": 0.5, "duration_s": 30.0}).items()},
        centroid_hz=pl.lit(300.0),
    )
    recordings.write_parquet(evaluated / "data/cycles/recordings.parquet")
    cycles = pl.read_parquet(evaluated / "data/cycles/cycles.parquet").with_columns(start_s=pl.lit(0.0))
    cycles.write_parquet(evaluated / "data/cycles/cycles.parquet")
    corpus_facts.write(evaluated / "data/cycles", replace(facts(), generated=True))
    about = {
        "corpus": "other",
        "identity": "Another",
        "comparable": False,
        "labels": "lungsound_4",
        "split": "official",
    }
    about |= {"test": {"cycles": 72, "patients": 6}, "interval": {"confidence": 0.95}, "external": {}}
    students = {"1": figures_of(60.0, None), "2": figures_of(50.0, "always normal")}
    files.write_json(evaluated / "reports/metrics.json", about | {"students": students})
    settings = params.read(evaluated / "params.yaml")["export"]
    change(evaluated, export=settings | {"onnx": False})
    return evaluated


@pytest.mark.slow  # 3 s
def test_an_export_states_what_its_student_learned_from_and_equal_inputs_give_equal_bytes(project):
    (project / "data/export/9").mkdir(parents=True)  # of a seed that params.yaml no longer names
    export.main()
    written = {path: sha256(path) for path in sorted(Path("data/export").rglob("*")) if path.is_file()}
    assert {path.parent.name for path in written} == {"1", "2"}
    card = read_json(Path("data/export/2/model.json"))
    student = read_json(Path("data/student/2/model.json"))
    assert {key: card[key] for key in student} == student
    both = Path("data/student/2/val.safetensors").read_bytes() + Path("data/student/2/model.json").read_bytes()
    assert card["id"] == hashlib.sha256(both).hexdigest()[:16]
    (corpus,) = card["corpora"]
    assert (corpus["patients"], corpus["recordings"], corpus["cycles"]) == (4, 4, 48), "no test patients"
    assert (corpus["hours"], corpus["sample_rates"], corpus["age_years"]) == (0.03, {"4000": 4}, [70, 70])
    assert (corpus["segments"], corpus["duration_s"]) == ("cycles", {"min": 2.5, "median": 2.5, "max": 2.5})
    assert card["scores"]["test"]["score_strict"] == {"value": 50, "low": 45, "high": 55}
    assert (card["temperature"], card["sample_rate"], card["decision"]["threshold"]) == (1.5, 32_000, 0.3)
    assert card["reference"]["sample_rate"] == {"4000": 1.0}
    assert card["quality_limits"]["max_silent_fraction"] == 0.9

    found = ModelFacts.read(Path("data/export/2"))
    assert found.generated
    assert card["banner"] == banner(found)
    assert "learned from generated sounds" in card["banner"]
    assert "it called every test cycle normal" in card["banner"]
    text = Path("data/export/2/README.md").read_text(encoding="utf-8")
    assert card["banner"] in text
    covered = f"{100 * card['conformal']['covered']:.1f}"
    for words in (f"Of the test cycles, {covered} % are covered.", "| Score, strict | 50.00 | 45.00 to 55.00 |"):
        assert words in text
    assert "this is no medical device, and nobody has assessed it" in text
    assert "The terms of use of the recordings are unknown: ask their owner." in text
    assert "degenerate" not in read_json(Path("data/export/1/model.json"))["banner"]

    export.main()
    assert {path: sha256(path) for path in written} == written


@pytest.mark.slow  # 1 s
def test_limits_are_fitted_on_validation_and_training_patients_alone(project):
    export.main()
    card = read_json(Path("data/export/2/model.json"))
    sets, limit = card["conformal"], card["novelty"]
    tensors = load_file("data/export/2/model.safetensors")
    student = load_file("data/student/2/val.safetensors")
    assert tensors.keys() - student.keys() == {"novelty.mean", "novelty.components"}
    assert all(np.array_equal(tensors[name], student[name]) for name in student)
    assert limit["dimensions"] == 3, "36 training cycles"
    assert tensors["novelty.components"].shape == 2 * tensors["novelty.mean"].shape
    assert (sets["cycles"], sets["patients"], sets["coverage"]) == (12, 1, 0.9)
    assert 0 <= sets["covered"] <= 1
    assert card["reference"]["outputs"] == {"recordings": 1, "patients": 1, "cycles": 12}


def test_a_calibrated_probability_is_that_of_divided_logits():
    logits = np.random.default_rng(0).normal(size=(5, 3))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    divided = np.exp(logits / 2.5) / np.exp(logits / 2.5).sum(axis=1, keepdims=True)
    assert np.allclose(calibrate(softmax, 2.5), divided)
    assert np.array_equal(calibrate(softmax, None), softmax)
