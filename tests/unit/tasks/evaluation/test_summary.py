import json

import numpy as np
import polars as pl
import pytest

from models.metrics import CHALLENGE, scores
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation.predictions import Predictions, schema, table
from tasks.evaluation.summary import headline
from tests.unit.tasks.evaluation.example import CLASSES, GROUPS, cycles, evaluator, metrics, predict


def test_the_student_is_the_mean_over_seeds():
    frame = cycles()
    seeds = [predict("student/1", frame, 0, 1.5), predict("student/2", frame, 1, 1.2)]
    single = [scores(frame["label"], part.predicted[0], 4)["score_strict"] for part in seeds]
    found = metrics(teachers=False)["student"]["val"]["score_strict"]
    assert found["mean"] == pytest.approx(np.mean(single), abs=0.005)
    assert found["sd"] == pytest.approx(np.std(single, ddof=1), abs=0.005)
    assert found["low"] < found["mean"] < found["high"]
    assert evaluator(frame).evaluate_seeds(seeds[:1])["score_strict"]["sd"] is None


def test_the_metrics_of_the_corpus_own_challenge_stand_beside_the_figures():
    named = ("SE", "SP", "AS", "HS", "Score", "ICBHI Score")
    found, plain = metrics(challenge=named), metrics()
    single = [found["students"][seed]["val"] for seed in ("1", "2")]
    assert list(single[0]["challenge"]) == list(CHALLENGE)
    assert single[0]["challenge"]["SE"] == single[0]["se_strict"]
    student = found["student"]["val"]
    assert student["challenge"]["HS"] == pytest.approx(np.mean([one["challenge"]["HS"] for one in single]), abs=0.01)
    assert student["challenge"]["AS"] == pytest.approx(student["score_strict"]["mean"], abs=0.01)
    for model in (student, found["ensemble"]["val"], found["teachers"]["a"]["val"], *single):
        del model["challenge"]
    del found["teachers"]["b"]["val"]["challenge"]
    assert found == plain == metrics(challenge=("ICBHI Score",)), "nothing else changes"


def test_undefined_figures_of_a_group_are_null_beside_its_size():
    group = metrics()["teachers"]["a"]["val"]["groups"]["device"]["LittC2SE"]
    assert (group["cycles"], group["patients"]) == (12, 1)
    assert group["sp"] is not None
    assert group["se_strict"] is group["score_strict"] is group["low"]["sp"] is None
    assert "NaN" not in json.dumps(metrics())


def test_figures_per_class_worked_by_hand():
    frame = cycles(patients=1, each=4).with_columns(label=pl.Series([0, 0, 1, 2], dtype=pl.Int8))
    probabilities = np.eye(4, dtype=np.float32)[[0, 1, 1, 0]][None]
    found = evaluator(frame).evaluate(Predictions("ensemble", "val", probabilities))
    assert found["confusion"] == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    crackle = found["per_class"]["crackle"]
    assert (crackle["n"], crackle["recall"], crackle["precision"], crackle["f1"]) == (1, 100.0, 50.0, 66.67)
    both = {"n": 0, "recall": None, "precision": None, "f1": None, "auroc": None, "average_precision": None}
    assert found["per_class"]["both"] == both


def test_equal_predictions_give_equal_metrics_and_the_headline_is_taken_from_them():
    one, two = metrics(selections=("paper", "val")), metrics(selections=("paper", "val"))
    assert json.dumps(one) == json.dumps(two)
    assert one["selections"] == ["val", "paper"]
    assert headline(one)["val"]["student"]["score_strict"] == one["student"]["val"]["score_strict"]["mean"]
    assert set(headline(one)["paper"]) == {"student", "ensemble"}
    assert set(one["student_minus"]["val"]) == {"ensemble", "teachers"}


def test_metrics_say_what_was_evaluated():
    found = metrics()
    known = {"corpus": "other", "recordings": 10, "labels": "lungsound_4", "split": "official"}
    assert {key: found[key] for key in known} == known
    assert (found["identity"], found["comparable"]) == ("A part of the other corpus", False)
    assert "not comparable" in found["banner"]


def test_without_teachers_there_is_no_comparison():
    found = metrics(teachers=False)
    assert (found["teachers"], found["ensemble"], found["student_minus"]) == ({}, {}, {"val": {}})


def test_the_table_of_predictions_is_typed_and_sorted():
    frame = cycles()
    found = table([predict("teacher/a", frame, 0, 1.0), predict("ensemble", frame, 1, 1.0)], frame, CLASSES)
    assert found.schema.equals(schema(CLASSES))
    keys = list(zip(found["model"].to_pylist(), found["cycle_id"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    rows = pl.DataFrame(found)
    most = rows.select(pl.concat_list(pl.selectors.starts_with("p_")).list.arg_max()).to_series()
    assert (most == rows["predicted"].cast(pl.UInt32)).all()
    assert rows.select(pl.sum_horizontal(pl.selectors.starts_with("p_"))).to_series().to_numpy() == pytest.approx(1)


def test_cycles_are_joined_with_the_groups_of_their_recordings(tmp_path):
    pl.DataFrame(
        {"cycle_id": ["b", "a", "c"], "recording_id": ["2", "1", "1"], "patient_id": ["2", "1", "1"], "duration_s": 1.0}
        | {"corpus": "demo"}
        | {"lungsound_2": [1, 0, 1]}
    ).write_parquet(tmp_path / "cycles.parquet")
    pl.DataFrame(
        {"recording_id": ["1", "2"], "device": ["Meditron", None], "location": ["Al", "Tc"], "sex": ["F", None]}
        | {"age": [18.5, None]}
    ).write_parquet(tmp_path / "recordings.parquet")
    tables = (tmp_path / "cycles.parquet", tmp_path / "recordings.parquet")
    found = test_cycles.read(*tables, ids=["b", "a"], labels="lungsound_2", groups=GROUPS)
    assert found.select("cycle_id", "label", "device", "age_group", "sex").rows() == [
        ("a", 0, "Meditron", test_cycles.CHILD_LABEL, "F"),
        ("b", 1, "unknown", "unknown", "unknown"),
    ]
