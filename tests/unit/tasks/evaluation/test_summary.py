"""From predictions to metrics.json, the plots and the page."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from tasks.evaluation import curves, report
from tasks.evaluation.bootstrap import Bootstrap
from tasks.evaluation.predictions import table, with_ensemble
from tasks.evaluation.summary import summarise

CLASSES = ("normal", "crackle", "wheeze", "both")
TEST = pl.DataFrame(
    {
        "cycle_id": [f"c{at:02d}" for at in range(24)],
        "recording_id": [f"r{at // 4}" for at in range(24)],
        "patient_id": [101 + at // 8 for at in range(24)],
        "label": [at % 4 for at in range(24)],
    }
)
RECORDINGS = pl.DataFrame(
    {
        "recording_id": [f"r{at}" for at in range(6)],
        "device": ["Meditron"] * 3 + ["AKGC417L"] * 3,
        "chest_location": ["Tc", "Al", "Al", "Al", "Pl", "Pr"],
        "age": [3.0, 3.0, 40.0, 40.0, 70.0, None],
        "sex": ["F", "F", "M", "M", "M", None],
    }
)


def predictions(seeds: int = 2, teachers: int = 2) -> pl.DataFrame:
    generator = np.random.default_rng(0)
    names = [f"teacher/t{at}" for at in range(teachers)] + [f"student/{seed}" for seed in range(1, seeds + 1)]
    said: Any = {
        (name, "val"): (np.eye(4)[TEST["label"]] * 1.5 + generator.normal(size=(24, 4))).astype(np.float32)
        for name in names
    }
    return table(with_ensemble(said, [f"t{at}" for at in range(teachers)], ["val"]), TEST, CLASSES)


def metrics(found: pl.DataFrame, corpus: str = "demo") -> dict[str, Any]:
    bootstrap = Bootstrap.draw(3, resamples=50, confidence=0.95, seed=0)
    return {
        "corpus": corpus,
        "recordings": 6,
        "labels": "lungsound_4",
        "split": "official",
        "test": {"cycles": 24, "patients": 3, "recordings": 6, "classes": dict.fromkeys(CLASSES, 6)},
        "evaluation": {"confidence": 0.95, "resamples": 50, "seed": 0, "calibration_bins": 15},
        **summarise(found, RECORDINGS, CLASSES, bootstrap, 15),
    }


def test_predictions_hold_every_model_once_a_cycle_with_probabilities() -> None:
    found = predictions()
    assert found.columns[:7] == [
        "model", "selection", "cycle_id", "recording_id", "patient_id", "label", "predicted",
    ]  # fmt: skip
    assert found["model"].unique().sort().to_list() == [
        "ensemble", "student/1", "student/2", "teacher/t0", "teacher/t1",
    ]  # fmt: skip
    assert not found.select("model", "selection", "cycle_id").is_duplicated().any()
    assert found.equals(found.sort("model", "selection", "cycle_id"))
    total = found.select(pl.sum_horizontal(f"p_{name}" for name in CLASSES)).to_series()
    assert np.allclose(total, 1, atol=1e-5)


def test_the_ensemble_is_the_mean_of_its_members_logits() -> None:
    said: Any = {
        ("teacher/a", "val"): np.array([[2.0, 0.0]], dtype=np.float32),
        ("teacher/b", "val"): np.array([[0.0, 4.0]], dtype=np.float32),
        ("teacher/c", "val"): np.array([[99.0, 0.0]], dtype=np.float32),
    }
    assert with_ensemble(said, ["a", "b"], ["val"])["ensemble", "val"].tolist() == [[1.0, 2.0]]
    assert "ensemble" not in {model for model, _ in with_ensemble(said, [], ["val"])}


def test_the_students_figures_are_means_over_seeds_with_their_spread() -> None:
    found = metrics(predictions())
    singles = [found["students"][seed]["val"]["score_strict"] for seed in ("1", "2")]
    student = found["student"]["val"]["score_strict"]
    assert student["mean"] == pytest.approx(np.mean(singles), abs=1e-3)
    assert student["sd"] == pytest.approx(np.std(singles, ddof=1), abs=1e-3)
    assert student["low"] <= student["mean"] <= student["high"]
    assert metrics(predictions(seeds=1))["student"]["val"]["score_strict"]["sd"] is None
    assert set(found["comparisons"]["val"]) == {"student_minus_teachers", "student_minus_ensemble"}
    assert metrics(predictions(teachers=0))["comparisons"] == {"val": {}}


def test_groups_are_counted_and_what_they_cannot_tell_is_null() -> None:
    alone = predictions().filter(pl.col("label") == 0)
    found = metrics(alone)
    device = found["student"]["val"]["groups"]["device"]
    assert device["Meditron"]["cycles"] == 3
    assert device["Meditron"]["se_strict"] is None
    assert found["students"]["1"]["val"]["groups"]["sex"]["unknown"]["cycles"] == 1
    ages = found["student"]["val"]["groups"]["age_group"]
    assert {name: figures["cycles"] for name, figures in ages.items()} == {
        "adult (19 to 64)": 2, "child (under 19)": 2, "elderly (65 and over)": 1, "unknown": 1,
    }  # fmt: skip
    json.dumps(found, allow_nan=False)


HISTORY = pl.DataFrame({"model": ["student/1"] * 2, "epoch": [1, 2], "train_loss": [1.4, 1.2]}).with_columns(
    pl.Series("val_score_strict", [40.0, 55.0])
)


def page(corpus: str, found: pl.DataFrame) -> str:
    plots = {
        "confusion": curves.confusion(found, CLASSES),
        "roc": curves.roc(found, CLASSES),
        "precision_recall": curves.precision_recall(found, CLASSES),
        "training": HISTORY,
    }
    examples = [
        report.Example(
            cycle_id=row["cycle_id"],
            label=CLASSES[row["label"]],
            predicted=CLASSES[row["predicted"]],
            probabilities={name: row[f"p_{name}"] for name in CLASSES},
            features=np.ones((40, 16), np.float16),
        )
        for row in report.choose_examples(found, "val").iter_rows(named=True)
    ]
    return report.render(metrics(found, corpus), found, plots, classes=CLASSES, examples=examples, bins=15)


@pytest.mark.parametrize(
    ("corpus", "says"),
    [
        ("demo", "say nothing about real lungs"),
        ("icbhi-part", "6 of 920 recordings"),
        ("icbhi", "Published figures"),
    ],
)
def test_the_page_says_what_its_figures_are_worth_and_needs_nothing_else(corpus: str, says: str) -> None:
    text = page(corpus, predictions())
    assert says in text
    assert ("Published figures" in text) == (corpus == "icbhi")
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert [heading for heading in headings if heading != "Published figures"] == [
        "Student, ensemble, teachers",
        "Per class",
        "Where it errs",
        "For whom",
        "Training",
        "Examples",
        "How to read this",
    ]
    assert text.count("<svg") == 10 + len(re.findall('class="example', text)) - 1
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)[^\"]*", text)


def test_equal_predictions_give_an_equal_page() -> None:
    assert page("demo", predictions()) == page("demo", predictions())


def test_curves_run_from_one_corner_to_the_other_for_each_class() -> None:
    roc = curves.roc(predictions(), CLASSES)
    assert roc["class"].unique(maintain_order=True).to_list() == list(CLASSES)
    for name in CLASSES:
        part = roc.filter(pl.col("class") == name)
        assert part["true_positive_rate"].is_sorted()
        assert part["true_positive_rate"][-1] == 1
    only_normal = predictions().filter(pl.col("label") == 0)
    assert curves.roc(only_normal, CLASSES).columns == roc.columns
    assert curves.roc(only_normal, CLASSES).is_empty()
