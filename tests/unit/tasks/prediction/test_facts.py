"""Facts of a model: cards of exports and of students, absent and damaged parts, and the banner."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.checks import usability
from tasks.prediction.fact_parts import Conformal, LearnedCorpus, Novelty
from tasks.prediction.facts import ModelFacts, banner, identity
from tasks.runtime.errors import BreathlineError

PLAIN: dict[str, Any] = {
    "architecture": "ast",
    "options": {},
    "frontend": "ast",
    "labels": "lungsound_2",
    "classes": ["normal", "abnormal"],
    "decision_rules": {"val": {"rule": "threshold", "threshold": 0.4, "temperature": 1.5}},
}
EXPORT: dict[str, Any] = {
    **PLAIN,
    "format": 1,
    "id": "0123456789abcdef",
    "sample_rate": 16_000,
    "duration_s": 5.0,
    "corpora": [{"name": "ward", "title": "Ward 3", "generated": False, "recordings": 7, "age_years": [2, 80]}],
    "scores": {"test": {"degenerate": None}},
    "conformal": {"coverage": 0.9, "quantile": 0.7, "cycles": 40, "patients": 5, "of_later_versions": 1},
    "novelty": {"quantile": 0.99, "threshold": 4.5, "dimensions": 3},
    "quality_limits": {"max_silent_fraction": 0.5},
    "reference": {"recordings": 7},
}


def with_test(flag: str | None, *generated: bool) -> ModelFacts:
    corpora = [{"name": f"c{index}", "title": f"C {index}", "generated": one} for index, one in enumerate(generated)]
    return ModelFacts.from_card({**EXPORT, "corpora": corpora, "scores": {"test": {"degenerate": flag}}})


def test_the_card_of_an_export_states_everything():
    found = ModelFacts.from_card(EXPORT)
    assert (found.id, found.sample_rate, found.temperature) == ("0123456789abcdef", 16_000, 1.5)
    assert found.corpora == (LearnedCorpus(name="ward", title="Ward 3", recordings=7, age_years=[2, 80]),)
    assert found.conformal == Conformal(coverage=0.9, quantile=0.7, cycles=40, patients=5)
    assert found.novelty == Novelty(quantile=0.99, threshold=4.5, dimensions=3)
    assert found.quality_limits is not None
    assert found.quality_limits.max_silent_fraction == 0.5
    assert found.quality_limits.max_peak == usability.DEFAULTS.max_peak, "a limit that the export does not state"
    assert banner(found) is None


def test_absent_parts_mean_no_such_judgement(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(PLAIN))
    found = ModelFacts.read(tmp_path)
    assert (found.rule.threshold, found.classes) == (0.4, ("normal", "abnormal"))
    assert (found.id, found.sample_rate, found.corpora, found.degenerate, found.generated) == (
        None,
        None,
        (),
        None,
        False,
    )
    assert (found.conformal, found.novelty, found.quality_limits, found.reference) == (None, None, None, None)
    assert banner(found) is None


@pytest.mark.parametrize(
    ("generated", "words"),
    [
        ((True,), "This model learned from generated sounds: it says nothing about real lungs."),
        ((True, False), "This model learned from generated sounds, in part (C 0): it says nothing about real lungs."),
        ((False, False), None),
    ],
)
def test_a_model_says_that_it_learned_from_generated_sounds(generated, words):
    assert banner(with_test(None, *generated)) == words


def test_the_stored_sentences_are_shown_as_they_are():
    assert banner(ModelFacts.from_card({**PLAIN, "banner": "From noise only."})) == "From noise only."


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("always normal", "it called every test cycle normal"),
        ("never normal", "it called no test cycle normal"),
        ("finds no abnormal cycle", "it finds no abnormal cycle in the test"),
    ],
)
def test_a_degenerate_model_says_what_it_always_says(flag, words):
    assert banner(with_test(flag, False)) == f"This model is degenerate: {words}."
    assert str(banner(with_test(flag, True))).startswith("This model learned from generated sounds")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "the file is missing"),
        (b"", "this is not a complete JSON file"),
        (b"[]", "the file holds no JSON object"),
        (b'{"a": "\xff"}', "this is not a complete JSON file"),
        (json.dumps({**PLAIN, "classes": None}).encode(), "the file has other content than expected"),
        (json.dumps({key: PLAIN[key] for key in PLAIN if key != "labels"}).encode(), "`labels` is missing"),
        (json.dumps({**EXPORT, "conformal": {"coverage": 0.9}}).encode(), "the file has other content than expected"),
        (json.dumps({**EXPORT, "corpora": ["demo"]}).encode(), "the file has other content than expected"),
    ],
)
def test_a_damaged_card_is_an_error_that_names_file_and_fault(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(BreathlineError) as error:
        ModelFacts.read(tmp_path)
    assert reason in error.value.what
    assert error.value.where == tmp_path / "model.json"
    assert error.value.hint


@pytest.mark.slow
def test_the_facts_are_read_without_torch_and_pyarrow():
    code = (
        "import sys; from tasks.prediction import facts; print([n for n in ('torch', 'pyarrow') if n in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4]
    )
    assert printed.stdout.strip() == "[]"


def test_a_student_has_the_banner_of_its_export_in_the_same_project(tmp_path):
    student, exported = tmp_path / "data/student/1", tmp_path / "data/export/1"
    for folder in (student, exported):
        folder.mkdir(parents=True)
    (student / "model.json").write_text(json.dumps(PLAIN))
    (student / "val.safetensors").write_bytes(b"weights")
    corpora = [{"name": "demo", "title": "Demo", "generated": True}]
    card = {**EXPORT, "id": identity(student), "corpora": corpora}
    (exported / "model.json").write_text(json.dumps(card))
    found = ModelFacts.read(student)
    assert (found.generated, found.novelty) == (True, None), "its folder has no tensors of the distance"
    (student / "val.safetensors").write_bytes(b"other weights")
    assert not ModelFacts.read(student).generated, "the export of an earlier training"
