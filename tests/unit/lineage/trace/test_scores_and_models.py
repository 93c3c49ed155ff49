"""Causes of a Score, a stage and a model."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lineage import events, project
from lineage.trace.queries import TraceQueries
from tests.unit.lineage import small
from tests.unit.lineage.trace.answers import TEST, TRAIN, VAL, names, recordings


def test_a_score_leads_to_recordings_and_models(ask):
    trace = ask("official").ask("score")
    assert trace.root == "metric:student.val.score_strict.mean"
    assert recordings(trace) == sorted(TRAIN + VAL + TEST)
    assert [recordings(trace, one) for one in ("train", "val", "test")] == [TRAIN, VAL, TEST]
    assert trace.nodes["set:train"].facts["cycles"] == [
        *(f"102_1b1_Al_sc_Litt3200_00{index}" for index in range(2)),
        *(f"103_1b1_Tc_sc_Meditron_00{index}" for index in range(3)),
    ]
    assert names(trace, "weights") == ["student/1/val", "student/2/val", "teacher/t1/val", "teacher/t2/val"]
    assert "train_teacher@t3" not in names(trace, "stage"), "t3 labels nothing"
    assert len(names(trace, "stage")) == 13
    seeds = trace.as_json()["seeds"]
    assert seeds["train_student@2"] == {"student.seed": 2, "validation.seed": 0}
    assert seeds["train_teacher@t1"]["teachers.t1.seed"] == 11
    assert trace.nodes["source:icbhi"].facts["archive"]["sha256"] == "5" * 64
    assert trace.notes == ()


def test_a_score_of_a_degenerate_model_has_that_word(small_project, tmp_path):
    root = Path(shutil.copytree(small_project, tmp_path / "p", ignore=shutil.ignore_patterns("audio", "waveforms")))
    path = root / "reports/metrics.json"
    metrics = json.loads(path.read_text())
    metrics["student"]["val"]["degenerate"] = "always normal"
    path.write_text(json.dumps(metrics))
    trace = TraceQueries(project.load(root)).ask("score")
    assert trace.nodes[trace.root].label.endswith(" (degenerate: always normal)")
    assert trace.nodes["figures:student.val"].facts["degenerate"] == "always normal"


def test_a_comparison_with_the_teachers_leads_to_those_that_label(ask):
    predicted = names(ask("official").ask("student_minus.val.teachers.score_strict.difference"), "predictions")
    assert predicted == ["student/1/val", "student/2/val", "teacher/t1/val", "teacher/t2/val"]


def test_a_comparison_with_a_baseline_leads_to_the_baseline(small_project, tmp_path):
    root = Path(shutil.copytree(small_project, tmp_path / "p", ignore=shutil.ignore_patterns("audio", "waveforms")))
    path = root / "reports/metrics.json"
    metrics = json.loads(path.read_text())
    found = metrics["student_minus"]["val"]
    found["baselines"], metrics["baselines"] = found["teachers"], ["t3"]
    path.write_text(json.dumps(metrics))
    trace = TraceQueries(project.load(root)).ask("student_minus.val.baselines.score_strict.difference")
    assert names(trace, "predictions") == ["student/1/val", "student/2/val", "teacher/t3/val"]


@pytest.mark.slow
def test_teachers_are_chosen_in_natural_order(ask):
    assert names(ask("ten").ask("score"), "weights")[-2:] == ["teacher/t1/val", "teacher/t2/val"]


@pytest.mark.slow
def test_a_cycle_says_whether_its_recording_was_faded(ask):
    cycle = "101_1b1_Tc_sc_Meditron_000"
    said = {name: ask(name).ask(cycle).nodes[f"cycle:{cycle}"].facts["waveforms"] for name in ("official", "whole")}
    assert said["official"].endswith("faded at its ends")
    assert said["whole"].endswith("faded at its ends (not at 16000 Hz)")


def test_a_stage_has_code_parameters_environment_and_run(ask, roots):
    trace, root = ask("official").ask("student.val.sp.mean"), roots("official")
    stage = trace.nodes["stage:train_student@1"]
    assert stage.facts["modules"]["tasks/train_student.py"] == small.sha256(root / "tasks/train_student.py")
    assert stage.facts["params"]["student.architecture"] == "ast"
    started = events.read(root)[0]["at"]  # another process of the tests may have built the project
    assert stage.facts["run"] == {"at": started, "user": "anna", "host": "small", "gpus": [], "seconds": 1.0}
    behind = {edge.cause for edge in trace.edges if edge.effect == stage.id}
    (code,), (environment,) = trace.nodes_of("code"), trace.nodes_of("environment")
    assert {code.id, environment.id, "stage:soft_labels", "stage:fbank@icbhi-ast", "stage:pool"} <= behind
    assert code.facts["dirty"] is False
    assert environment.facts["packages"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    "what", ["data/student/1", "student/1", "data/student/1/val.safetensors", "data/student/1/", "data/export/1"]
)
def test_a_model_leads_to_training_and_validation_recordings(ask, what):
    trace = ask("official").ask(what)
    assert recordings(trace) == sorted(TRAIN + VAL)
    assert names(trace, "weights") == ["student/1/val", "teacher/t1/val", "teacher/t2/val"]
    assert [edge.how for edge in trace.edges if edge.cause == "set:val" and "student/1" in edge.effect] == [
        "chose the epoch"
    ]
    assert names(trace, "initial") == ["scratch"]


@pytest.mark.slow
def test_an_epoch_chosen_on_the_test_set_leads_to_test_recordings(ask):
    questions = ask("paper")
    assert recordings(questions.ask("student/1/val")) == sorted(TRAIN + VAL)
    paper = questions.ask("student/1/paper")
    assert recordings(paper) == sorted(TRAIN + VAL + TEST)
    assert recordings(paper, "test") == TEST
    forward = questions.ask(TEST[1])
    assert {rerun.stage for rerun in forward.reruns if rerun.learned} == {
        "train_student@1", "train_student@2", "train_teacher@t1", "train_teacher@t2", "train_teacher@t3"
    }  # fmt: skip
    assert "soft_labels" not in {node.kind for node in forward.nodes.values()}, "soft labels come from `val` alone"


def test_a_stage_leads_to_all_upstream_stages(ask):
    assert len(names(ask("official").ask("evaluate"), "stage")) == 15, "the teacher that labels nothing is judged too"


def test_keys_of_metrics_and_of_scores_are_accepted(ask, roots):
    scores = json.loads((roots("official") / "reports/scores.json").read_text())
    for what in ("val.student.sp", "val.ensemble.score_strict"):
        trace = ask("official").ask(what)
        selection, model, figure = what.split(".")
        assert trace.nodes[trace.root].facts["value"] == scores[selection][model][figure]
    assert ask("official").ask("test.cycles").nodes["figures:test"]
    assert recordings(ask("official").ask("test.cycles")) == TEST
    grouped = ask("official").ask("teachers.t1.val.groups.sex.F.sp")
    assert any("only the test cycles of this group" in note for note in grouped.notes)
