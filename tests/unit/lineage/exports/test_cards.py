"""Model card and data card, as huggingface_hub reads them."""

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard, ModelCard

from lineage import project
from lineage.exports import cyclonedx, data_card, model_card, results
from models.decision_rules import DecisionRule
from tasks.corpora.demo import facts as demo
from tasks.corpora.icbhi import facts as icbhi
from tasks.runtime import corpus_facts
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.errors import BreathlineError


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tables(text):
    """Return the tables of a text, each as its lines."""
    return [found.splitlines() for found in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]


def test_the_model_card_gives_its_figures_as_the_hub_reads_them(made):
    card = ModelCard(model_card.card(made))
    metrics = json.loads((made.root / "reports/metrics.json").read_text())["student"]["val"]
    results = {result.metric_type: result for result in card.data.eval_results}
    assert results["icbhi_score"].metric_value == metrics["score_strict"]["mean"]
    assert results["sensitivity_lenient"].metric_args["low"] == metrics["se_lenient"]["low"]
    assert {(result.dataset_type, result.dataset_split) for result in results.values()} == {("icbhi-part", "test")}
    assert card.data.pipeline_tag == "audio-classification"
    sp = next(line.split(" | ") for table in tables(card.text) for line in table if "| Specificity |" in line)
    limits = [
        "–" if metrics["sp"][low] is None else f"{metrics['sp'][low]:.2f} to {metrics['sp'][high]:.2f}"
        for low, high in (("low", "high"), ("low_seeds", "high_seeds"))
    ]
    assert sp[2:] == [f"{metrics['sp']['mean']:.2f}", *limits, f"{metrics['sp']['sd']:.2f} |"]


def test_the_model_card_states_intended_use_and_limits(made):
    text = model_card.card(made)
    assert "This is no medical device" in text
    assert "10.1088/1361-6579/ab03ea" in text
    assert "A part of the database" in text or "Only a part of the database" in text
    assert sha256(made.root / "data/student/2/val.safetensors") in text


def test_the_model_card_states_the_threshold_of_each_seed_that_has_one(made):
    text = " ".join(model_card.card(made).split())
    rule = (
        "Decision rule: normal if the probability of the normal class is at least 0.25, and otherwise the most probable"
    )
    assert f"{rule} other class. Validation patients gave this threshold." in text


def test_the_model_card_names_the_test_time_augmentation_of_its_figures(made, monkeypatch):
    found = results.metrics(made)
    assert "shifted clips" not in model_card.card(made)
    monkeypatch.setattr(results, "metrics", lambda _: found | {"augmentation": {"shifts": 4}})
    assert "Figures are with test-time augmentation: mean of 4 shifted clips" in model_card.card(made)


def test_the_model_card_tells_a_sensitivity_that_was_not_reached(made, monkeypatch):
    assert "was to reach" not in model_card.card(made)
    students = results.students(made)
    rule = DecisionRule(rule="sensitivity", threshold=0.95, target=90.0, reached=81.2).card()
    ruled = [replace(one, network=one.network | {"decision_rules": {"val": rule}}) for one in students]
    monkeypatch.setattr(results, "students", lambda _: ruled[:1])
    assert "reached 81.2 %; 1 of 1 network missed the target." in model_card.card(made)


def test_the_model_card_tells_a_normalisation_by_other_recordings(made, monkeypatch):
    students = results.students(made)
    kind = {"normalization": {"level": "none", "spectrum": "device_of_the_data", "mean": [0.0]}}
    changed = [replace(student, network=student.network | kind) for student in students]
    monkeypatch.setattr(results, "students", lambda _: changed)
    told = "depends on the other recordings of the device"
    assert told in (text := model_card.card(made))
    assert "level `none`, spectrum `device_of_the_data`." in text
    kind["normalization"]["spectrum"] = "recording"
    assert told not in model_card.card(made)


def test_a_degenerate_student_is_named_in_card_and_bill_of_materials(made, copied):
    path = copied / "reports/metrics.json"
    found = json.loads(path.read_text())
    found["student"]["val"]["degenerate"] = "never normal: student/2"
    found["students"]["2"]["val"]["degenerate"] = "never normal"
    path.write_text(json.dumps(found))
    changed = project.load(copied)
    text = model_card.card(changed)
    assert "**Degenerate (val): never normal: student/2.**" in text
    arguments = ModelCard(text).data.eval_results[0].metric_args
    assert arguments["degenerate"] == "never normal: student/2"
    assert "Degenerate" not in model_card.card(made)
    models = [one for one in cyclonedx.bill(changed)["components"] if one["name"].startswith("student/")]
    limits = {one["name"]: one["modelCard"]["considerations"]["technicalLimitations"] for one in models}
    assert limits["student/2/val"][0] == "Degenerate on the test cycles: never normal."
    assert not limits["student/1/val"][0].startswith("Degenerate")


@pytest.mark.parametrize("card", [model_card.card, data_card.card])
def test_tables_are_whole_and_limits_name_the_whole_database_and_the_present_recordings(made, card):
    found = tables(card(made))
    assert len(found) >= 3
    for lines in found:
        assert len(lines) >= 3
        assert len({line.count("|") for line in lines}) == 1, lines
    limits = card(made).partition("## Limits")[2]
    assert "The whole database has 126 patients" in limits
    assert "The recordings are of 6 patients with 7 recordings by 2 devices." in limits
    assert "The most frequent diagnosis is COPD: 6 patients with 7 recordings." in limits
    assert "patient 102 is on both sides" in limits
    assert not re.search(r"\b156\b", limits)  # hashes may have these digits


def test_the_data_card_counts_the_present_tables(made):
    card = DatasetCard(data_card.card(made))
    assert card.data.size_categories == ["n<1K"]
    assert "| train | 4 | 4 | 9 | 0.00 | 0.00 |" in card.text
    assert "| train | lungsound_4 | normal 5, crackle 2, wheeze 2, both 0 |" in card.text
    assert "| test | lungsound_4 | normal 1, crackle 1, wheeze 1, both 1 |" in card.text
    assert "A part of ICBHI 2017 (7 of 920 recordings)." in card.text
    assert "Patients on both sides of the split: 102." in card.text
    assert "Left out, named by the split, not in the source: 1." in card.text
    assert sha256(made.root / "data/cycles/cycles.parquet") in card.text


def write(path, **columns):
    schema = pq.read_schema(path)
    pq.write_table(pl.read_parquet(path).with_columns(**columns).to_arrow().cast(schema), path)


def test_the_data_card_has_the_median_age_and_both_kinds_of_hours(copied):
    recordings, cycles = copied / "data/cycles/recordings.parquet", copied / "data/cycles/cycles.parquet"
    ages = pl.col("patient_id").replace_strict({"101": 1.5, "102": 2, "103": 4, "104": 70, "105": 80, "106": 90})
    write(recordings, age=ages.cast(float), duration_s=pl.col("duration_s") * 1000)
    write(cycles, duration_s=pl.col("duration_s") * 100)
    card = data_card.card(project.load(copied))
    assert "Ages of the 6 patients with a known age: 1.5 to 90 years, median 37." in card
    tables = [pl.read_parquet(path).filter(split="train")["duration_s"] for path in (recordings, cycles)]
    hours = [f"{column.sum() / 3600:.2f}" for column in tables]
    assert hours[0] != hours[1]
    assert f"| train | 4 | 4 | 9 | {hours[0]} | {hours[1]} |" in card
    write(recordings, age=pl.lit(None, float))
    assert "Ages of" not in data_card.card(project.load(copied))


def test_the_cards_link_to_the_terms_of_use_of_the_recordings(made, several_project):
    for card in (ModelCard(model_card.card(made)), DatasetCard(data_card.card(made))):
        assert card.data.license == "other"
        assert card.data.license_link == "https://bhichallenge.med.auth.gr/"
    assert card.data.license_name == "free-for-research"
    # Corpora with different terms have no common address.
    assert "license_link" not in model_card.card(project.load(several_project))


def test_facts_of_the_cards_follow_from_the_tables(made):
    cycles = pl.read_parquet(made.root / "data/cycles/cycles.parquet")
    recordings = pl.read_parquet(made.root / "data/cycles/recordings.parquet")
    data, model = data_card.card(made), model_card.card(made)
    for (split,), rows in cycles.group_by("split"):
        counts = [recordings.filter(split=split).height, rows["patient_id"].n_unique(), rows.height]
        assert f"| {split} | {' | '.join(map(str, counts))} |" in data
        names = ("normal", "crackle", "wheeze", "both")
        classes = ", ".join(f"{name} {(rows['lungsound_4'] == number).sum()}" for number, name in enumerate(names))
        assert f"| {split} | lungsound_4 | {classes} |" in data
    patients = recordings.group_by("device").agg(pl.col("patient_id").n_unique()).sort("patient_id", descending=True)
    assert f"| device | {', '.join(f'{device} {number}' for device, number in patients.rows())} |" in data
    predictions = pl.read_parquet(made.root / "data/evaluation/predictions.parquet")
    tested = predictions.filter(pl.col("model") == "student/1")
    assert f"On {tested.height} test cycles of {tested['patient_id'].n_unique()} patients" in model
    for name, number in zip(("normal", "crackle", "wheeze", "both"), range(4), strict=True):
        assert f"| {name} | {(tested['label'] == number).sum()} |" in model


def identity(statement, *, verified):
    return Identity(name="x", statement=statement, evidence="", verified=verified, complete=True, recordings=7)


OWN = icbhi.facts(identity("An own corpus in ICBHI's format", verified=False))


@pytest.mark.parametrize(
    ("facts", "terms"),
    [
        (demo.facts(identity("The generated demo corpus", verified=True)), "Generated by Breathline, MIT licence."),
        (OWN, "The terms of use of the recordings are unknown"),
    ],
)
def test_other_recordings_are_not_presented_as_icbhi(copied, facts, terms):
    for folder in (corpus_facts.FOLDER, "data/extracted/icbhi"):
        corpus_facts.write(copied / folder, facts)
    for text in (model_card.card(project.load(copied)), data_card.card(project.load(copied))):
        assert facts.identity.statement in text
        assert terms in text
        assert all(limit in text for limit in facts.limits)
        assert "part of ICBHI 2017" not in text
        assert "Rocha" not in text


def test_without_figures_there_is_no_card(small_project, tmp_path):
    root = Path(shutil.copytree(small_project, tmp_path / "p", ignore=shutil.ignore_patterns("audio", "metrics.json")))
    with pytest.raises(BreathlineError, match="Nothing has been evaluated"):
        model_card.card(project.load(root))
