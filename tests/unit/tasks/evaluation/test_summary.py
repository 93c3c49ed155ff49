import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.metrics import CHALLENGE, scores
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation import words
from tasks.evaluation.predictions import Predictions, schema, table
from tasks.evaluation.settings import AugmentationSettings
from tasks.evaluation.summary import headline, summarize
from tests.unit.tasks.evaluation.example import CLASSES, GROUPS, SETTINGS, always, cycles, evaluator, metrics, predict


def test_the_student_is_the_mean_over_seeds():
    frame = cycles()
    seeds = [predict("student/1", frame, 0, 1.5), predict("student/2", frame, 1, 1.2)]
    single = [scores(frame["label"], part.predicted[0], 4)["score_strict"] for part in seeds]
    found = metrics(teachers=False)["student"]["val"]["score_strict"]
    assert found["mean"] == pytest.approx(np.mean(single), abs=0.005)
    assert found["sd"] == pytest.approx(np.std(single, ddof=1), abs=0.005)
    assert found["low"] < found["mean"] < found["high"]
    assert found["low_seeds"] < found["low"] < found["high"] < found["high_seeds"]
    single = evaluator(frame).evaluate_seeds(seeds[:1])["score_strict"]
    assert single["sd"] is None
    assert "low_seeds" not in single


@pytest.mark.parametrize(
    ("kept", "sp", "se", "score"),
    [
        (pl.lit(value=True), 100.0, 0.0, 50.0),
        (pl.col("label") == 0, 100.0, None, None),
        (pl.col("label") > 0, None, 0.0, None),
    ],
    ids=["both", "normal cycles", "abnormal cycles"],
)
def test_the_model_that_always_says_normal_has_the_undefined_figures_of_the_test(kept, sp, se, score):
    frame = cycles(patients=2, each=4).filter(kept)
    found = summarize(evaluator(frame), [predict("student/1", frame, 0, 1.0)], {}, [])["always_normal"]
    assert (found["sp"], found["se_strict"], found["score_lenient"]) == (sp, se, score)


def test_metrics_say_what_the_intervals_are_over():
    found = metrics()
    assert found["interval"]["over"] == "patients, networks fixed"
    assert found["interval"]["over_seeds"] == "patients and seeds"
    assert "jackknife" in found["interval"]["method"]
    for row in found["student_minus"]["val"].values():
        assert row["score_strict"]["low_seeds"] < row["score_strict"]["low"] < row["score_strict"]["difference"]


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_metrics_and_the_header_of_the_page_name_the_augmentation():
    augmented = replace(SETTINGS, augmentation=AugmentationSettings(shifts=4))
    found = metrics(settings=augmented)
    assert found["augmentation"] == {"shifts": 4}
    assert words.augmentation(found) == "test-time augmentation: mean of 4 shifted clips of each cycle"
    assert words.augmentation({}) == words.augmentation(metrics()) == ""


def test_a_comparison_has_its_tests():
    found = metrics()["student_minus"]["val"]
    row = found["teachers"]["score_strict"]
    assert 0 < row["p"] <= 1
    pairs = [(pair["one"], pair["other"]) for pair in row["mcnemar"]]
    assert pairs == [(f"student/{seed}", f"teacher/{name}") for seed in (1, 2) for name in "ab"]
    assert [pair["other"] for pair in found["ensemble"]["score_lenient"]["mcnemar"]] == ["ensemble"] * 2
    assert found["ensemble"]["degenerate"] is None


def test_a_teacher_that_labels_nothing_is_in_no_comparison():
    """Such a teacher, which predicted one class, once turned a difference of -5.4 points into +2.7."""
    both, more = metrics(), metrics(further=[always("teacher/dead", 1)])
    assert more["teachers"]["dead"]["val"]["degenerate"] == "always crackle"
    assert more["student_minus"] == both["student_minus"]
    assert (more["labelling"], list(more["teachers"])) == (["a", "b"], ["a", "b", "dead"])


def test_the_student_is_compared_with_its_baselines():
    plain = [predict(f"teacher/plain{seed}", cycles(), 7 + seed, 0.2) for seed in (1, 2)]
    both, more = metrics(), metrics(further=plain, baselines=("teacher/plain1", "teacher/plain2"))
    assert (both["baselines"], more["baselines"]) == ([], ["plain1", "plain2"])
    row = more["student_minus"]["val"].pop("baselines")["score_strict"]
    assert more["student_minus"] == both["student_minus"]
    student = more["student"]["val"]["score_strict"]["mean"]
    plains = [more["teachers"][f"plain{seed}"]["val"]["score_strict"] for seed in (1, 2)]
    assert row["difference"] == pytest.approx(student - sum(plains) / 2, abs=0.011)
    assert len(row["mcnemar"]) == 4


def test_degenerate_models_are_named_with_their_kind():
    found = metrics(further=[always("student/3", 0)])
    assert [found["students"][seed]["val"]["degenerate"] for seed in ("1", "3")] == [None, "always normal"]
    assert found["student"]["val"]["degenerate"] == "always normal: student/3"
    assert found["student_minus"]["val"]["ensemble"]["degenerate"] == "always normal: student/3"
    assert found["students"]["3"]["val"]["further"]["ppv"] is None


def test_further_metrics_of_the_student_are_means_over_seeds():
    found = metrics()
    seeds = [found["students"][seed]["val"]["further"] for seed in ("1", "2")]
    student = found["student"]["val"]["further"]
    assert student["mcc"]["mean"] == pytest.approx(np.mean([one["mcc"] for one in seeds]), abs=1e-4)
    assert student["macro_f1"]["sd"] == pytest.approx(np.std([one["macro_f1"] for one in seeds], ddof=1), abs=0.01)
    assert found["prevalence"] == {"value": round(63 / 96, 4), "source": "test cycles"}


def test_predictive_values_hold_for_the_stated_prevalence():
    found = metrics(settings=replace(SETTINGS, prevalence=0.1))
    assert found["prevalence"] == {"value": 0.1, "source": "params.yaml"}
    model = found["ensemble"]["val"]
    se, sp = model["se_lenient"] / 100, model["sp"] / 100
    ppv, npv = 0.1 * se / (0.1 * se + 0.9 * (1 - sp)), 0.9 * sp / (0.9 * sp + 0.1 * (1 - se))
    assert (model["further"]["ppv"], model["further"]["npv"]) == pytest.approx((100 * ppv, 100 * npv), abs=0.02)


def test_recordings_and_patients_have_figures_of_their_own():
    found = metrics()
    for level in ("by_recording", "by_patient"):
        one = found["student"]["val"][level]
        assert (one["n"], one["abnormal"]) == (8, 7)
        assert one["majority"]["sp"] is not None
        assert one["majority"]["low"]["sp"] is None, "one normal patient gives no interval"
        assert one["max"]["low"]["se_strict"] is not None


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
