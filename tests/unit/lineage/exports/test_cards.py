"""Cards are read by huggingface_hub, as the Hub's site and libraries read them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard, ModelCard

from lineage import project
from lineage.exports import data_card, model_card
from lineage.project import Project
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256


def tables(text: str) -> list[list[str]]:
    """Return the tables of a text, each as its lines."""
    return [found.splitlines() for found in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]


def test_the_model_card_gives_its_figures_as_the_hub_reads_them(made: Project) -> None:
    card = ModelCard(model_card.card(made))
    metrics = json.loads((made.root / "reports/metrics.json").read_text())["student"]["val"]
    results = {result.metric_type: result for result in card.data.eval_results}
    assert results["icbhi_score"].metric_value == metrics["score_strict"]["mean"]
    assert results["sensitivity_lenient"].metric_args["low"] == metrics["se_lenient"]["low"]
    assert {(result.dataset_type, result.dataset_split) for result in results.values()} == {("icbhi-part", "test")}
    assert card.data.pipeline_tag == "audio-classification"


def test_the_model_card_says_what_it_is_for_and_what_not(made: Project) -> None:
    text = model_card.card(made)
    assert "This is no medical device" in text
    assert "10.1088/1361-6579/ab03ea" in text
    assert "A part of the database" in text or "Only a part of the database" in text
    assert sha256(made.root / "data/student/2/val.safetensors") in text


@pytest.mark.parametrize("card", [model_card.card, data_card.card])
def test_tables_are_whole(made: Project, card: object) -> None:
    found = tables(card(made))  # type: ignore[operator]
    assert len(found) >= 3
    for lines in found:
        assert len(lines) >= 3
        assert len({line.count("|") for line in lines}) == 1, lines


def test_the_data_card_counts_what_lies_there(made: Project) -> None:
    card = DatasetCard(data_card.card(made))
    assert card.data.size_categories == ["n<1K"]
    assert "| train | 4 | 4 | 9 | 2 | 2 | 0 |" in card.text
    assert "| test | 3 | 3 | 4 | 1 | 1 | 1 |" in card.text
    assert "Patients on both sides of the split: 102." in card.text
    assert "Left out, named by the split, not in the source: 1." in card.text
    assert sha256(made.root / "data/cycles/cycles.parquet") in card.text


@pytest.mark.parametrize("card", [model_card.card, data_card.card])
def test_limits_tell_the_run_from_the_whole_database(made: Project, card: Callable[[Project], str]) -> None:
    limits = card(made).partition("## Limits")[2]
    assert "The whole database has 126 patients" in limits
    assert "Of this run's 6 patients with 7 recordings by 2 devices, 6 with 7 recordings have COPD." in limits
    assert "patient 102 is on both sides" in limits
    assert "156" not in limits


def test_generated_recordings_are_not_passed_off_as_icbhi(built: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(built, tmp_path / "p", ignore=shutil.ignore_patterns("audio")))
    source = root / "data/raw/source.json"
    source.write_text(json.dumps(json.loads(source.read_text()) | {"corpus": "demo", "archive": None}))
    for text in (model_card.card(project.load(root)), data_card.card(project.load(root))):
        assert "Breathline demo corpus" in text
        assert "says anything about real lungs" in text
        assert "ICBHI 2017 Respiratory Sound Database" not in text
        assert "Rocha" not in text


def test_without_figures_there_is_no_card(built: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(built, tmp_path / "p", ignore=shutil.ignore_patterns("audio", "metrics.json")))
    with pytest.raises(BreathlineError, match="Nothing has been evaluated"):
        model_card.card(project.load(root))
