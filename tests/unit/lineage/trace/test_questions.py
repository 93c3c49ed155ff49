"""Answers about a project that is small enough to be checked by hand; see `small` for what it holds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from lineage import project
from lineage.trace.nodes import MADE_BY
from lineage.trace.questions import Questions
from lineage.trace.walk import neighbours
from tasks import params, teachers
from tasks.errors import BreathlineError
from tests.unit.lineage import small

TRAIN = ["102_1b1_Al_sc_Litt3200", "103_1b1_Tc_sc_Meditron"]
VAL = ["101_1b1_Tc_sc_Meditron", "104_1b1_Tc_sc_Meditron"]
TEST = ["102_2b1_Al_sc_Litt3200", "105_1b1_Tc_sc_Meditron", "106_1b1_Tc_sc_Meditron"]


def recordings(trace, *sets):
    """The recordings of a trace, or those that are in it as parts of some sets."""
    if not sets:
        return [node.name for node in trace.of("recording")]
    return sorted(
        {edge.cause.partition(":")[2] for edge in trace.edges if edge.effect in [f"set:{one}" for one in sets]}
        - {"extract"}
    )


def names(trace, kind):
    return [node.name for node in trace.of(kind)]


def test_the_score_is_made_of_the_recordings_of_the_split_and_of_the_models_behind_it(ask):
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
    assert len(names(trace, "stage")) == 12
    seeds = trace.as_json()["seeds"]
    assert seeds["train_student@2"] == {"student.seed": 2, "validation.seed": 0}
    assert seeds["train_teacher@t1"]["teachers.t1.seed"] == 11
    assert trace.nodes["source:small.zip"].facts["archive"]["sha256"] == "5" * 64
    assert trace.notes == ()


def test_each_stage_tells_its_code_parameters_environment_and_run(ask, roots):
    trace, root = ask("official").ask("student.val.sp.mean"), roots("official")
    stage = trace.nodes["stage:train_student@1"]
    assert stage.facts["modules"]["tasks/train_student.py"] == small.sha256(root / "tasks/train_student.py")
    assert stage.facts["params"]["student.architecture"] == "ast"
    assert stage.facts["run"] == {
        "at": "2026-01-01T00:00:00.000+00:00", "user": "anna", "host": "small", "gpus": [], "seconds": 1.0
    }  # fmt: skip
    behind = {edge.cause for edge in trace.edges if edge.effect == stage.id}
    (code,), (environment,) = trace.of("code"), trace.of("environment")
    assert {code.id, environment.id, "stage:soft_labels", "stage:fbank@ast", "stage:extract"} <= behind
    assert code.facts["dirty"] is False
    assert environment.facts["packages"]["numpy"] == np.__version__


@pytest.mark.parametrize("what", ["data/student/1", "student/1", "data/student/1/val.safetensors", "data/student/1/"])
def test_a_model_is_made_of_what_trained_and_chose_it_and_of_nothing_that_tests(ask, what):
    trace = ask("official").ask(what)
    assert recordings(trace) == sorted(TRAIN + VAL)
    assert names(trace, "weights") == ["student/1/val", "teacher/t1/val", "teacher/t2/val"]
    assert [edge.how for edge in trace.edges if edge.cause == "set:val" and "student/1" in edge.effect] == [
        "chose the epoch"
    ]
    assert names(trace, "initial") == ["scratch"]


def test_an_epoch_chosen_on_the_test_set_is_made_of_test_recordings(ask):
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


def test_a_prediction_leads_to_its_row_its_cycle_and_the_bytes_of_its_frames(ask, roots):
    cycle, root = "105_1b1_Tc_sc_Meditron_001", roots("official")
    trace = ask("official").ask(cycle)
    assert [(edge.cause, edge.how) for edge in trace.edges if edge.effect == f"row:{cycle}"][:2] == [
        (f"prediction:student/1/val/{cycle}", "predicted"),
        (f"prediction:student/2/val/{cycle}", "predicted"),
    ]
    samples = trace.nodes[f"samples:{cycle}"].facts
    assert samples["frames"] == [8000, 15600], "from 2.0 to 3.9 s at 4000 Hz"
    data = (root / samples["path"]).read_bytes()[slice(*samples["bytes"])]
    wanted = soundfile.read(root / samples["path"], dtype="int16")[0][8000:15600]
    np.testing.assert_array_equal(np.frombuffer(data, "<i2"), wanted)
    annotation = trace.nodes[f"annotation:{cycle}"].facts
    assert (annotation["line"], annotation["text"]) == (2, "2.0\t3.9\t1\t0")
    row = trace.nodes[f"fbank:panns/{cycle}"].facts
    features = np.load(root / row["path"])
    index = pq.read_table(root / "data/fbank/panns/index.parquet").to_pylist()
    assert index[row["row"]] == {"cycle_id": cycle, "row": row["row"]}
    assert (root / row["path"]).read_bytes()[slice(*row["bytes"])] == features[row["row"]].tobytes()
    heard = {edge.cause for edge in trace.edges if edge.effect == f"prediction:teacher/t2/val/{cycle}"}
    assert heard == {f"fbank:panns/{cycle}", "weights:teacher/t2/val", "stage:evaluate"}
    asked = {edge.cause for edge in trace.edges if edge.effect == f"prediction:ensemble/val/{cycle}"}
    assert asked == {
        *(f"fbank:{front_end}/{cycle}" for front_end in ("ast", "panns")),
        *(f"weights:teacher/{teacher}/val" for teacher in ("t1", "t2")),
        "stage:evaluate",
    }
    prediction = trace.nodes[f"prediction:student/2/val/{cycle}"].facts
    table = pq.read_table(root / "data/evaluation/predictions.parquet").to_pylist()
    (stored,) = [one for one in table if (one["model"], one["cycle_id"]) == ("student/2", cycle)]
    assert prediction["p_crackle"] == stored["p_crackle"]
    assert names(trace, "cycle") == [cycle]


def test_models_tell_how_much_they_have_seen_of_the_patient(ask):
    trace = ask("official").ask("102_2b1_Al_sc_Litt3200_000")
    seen = {node.name: node.facts["cycles_of_patient_102"] for node in trace.of("weights")}
    assert seen["student/1/val"] == seen["teacher/t2/val"] == {"train": 2, "val": 0}
    assert "learned from 2 cycles of patient 102" in trace.nodes["weights:student/1/val"].label
    other = ask("official").ask("106_1b1_Tc_sc_Meditron_000")
    assert "never learned from patient 106" in other.nodes["weights:student/1/val"].label


def test_a_training_cycle_leads_to_its_soft_label_and_the_teachers_that_made_it(ask, roots):
    cycle = "103_1b1_Tc_sc_Meditron_001"
    trace = ask("official").ask(cycle)
    facts = trace.nodes[f"soft_label:{cycle}"].facts
    table = pq.read_table(roots("official") / "data/soft_labels/soft_labels.parquet").to_pylist()
    (stored,) = [row for row in table if row["cycle_id"] == cycle]
    assert facts["soft_labels"] == stored["soft_labels"]
    assert facts["logits"] == {"teacher/t1": stored["logits.t1"], "teacher/t2": stored["logits.t2"]}
    assert {f"fbank:ast/{cycle}", f"fbank:panns/{cycle}"} <= set(trace.nodes)
    assert recordings(trace) == sorted(TRAIN + VAL), "the teachers learned from these"


def test_a_teacher_labels_only_patients_that_its_fold_left_out(ask):
    questions = ask("folds")
    models = questions.catalogue.models
    assert {models["teacher/t1"].held_out, models["teacher/t2"].held_out} == {
        frozenset(cycle for cycle in questions.catalogue.members("train") if cycle.startswith(patient))
        for patient in ("102", "103")
    }
    for cycle in questions.catalogue.members("train"):
        trace = questions.ask(cycle)
        (teacher,) = (node for node in trace.of("weights") if node.name.startswith("teacher"))
        assert f"never learned from patient {cycle[:3]}" in teacher.label
        (learned,) = (edge.cause for edge in trace.edges if (edge.effect, edge.how) == (teacher.id, "learned from"))
        assert recordings(trace, learned.removeprefix("set:")) == [one for one in TRAIN if one[:3] != cycle[:3]]
    assert "teacher/t3/val" not in names(questions.ask("score"), "weights"), "k is 1 a fold"


def test_the_teachers_that_label_are_those_that_the_stage_chooses(ask, roots):
    for name in ("official", "best", "folds"):
        read = params.read(roots(name) / "params.yaml")
        settings = params.parse(
            teachers.ChoiceSettings,
            {key: read["soft_labels"][key] for key in ("k", "choose", "exposure")},
            "soft_labels",
        )
        chosen = teachers.choose(teachers.read(read), settings, roots(name) / "data/teachers")
        assert [model.name.partition("/")[2] for model in ask(name).catalogue.chosen] == chosen
    best = ask("best").ask("data/soft_labels/soft_labels.parquet")
    how = {edge.cause: edge.how for edge in best.edges if edge.effect == "soft_labels:train"}
    assert how["weights:teacher/t3/val"] == how["weights:teacher/t2/val"] == "labelled"
    assert how["weights:teacher/t1/val"] == "its validation Score was compared", "its Score is the lowest"


def test_what_must_be_trained_anew_without_a_patient(ask):
    questions = ask("official")
    both = questions.ask("patient:102")
    assert recordings(both) == ["102_1b1_Al_sc_Litt3200", "102_2b1_Al_sc_Litt3200"]
    assert {rerun.stage for rerun in both.reruns if rerun.learned} == {
        "train_teacher@t1", "train_teacher@t2", "train_teacher@t3", "soft_labels", "train_student@1", "train_student@2"
    }  # fmt: skip
    everything = [name for name in questions.evidence.project.order if name != "weights@scratch"]
    assert sorted(rerun.stage for rerun in both.reruns) == sorted(everything)
    tested = questions.ask("patient:105")
    assert not any(rerun.learned for rerun in tested.reruns)
    assert not tested.of("weights")
    assert len(tested.of("prediction")) == 2 * 6, "two cycles, of which six models speak"
    assert {"figures:student.val", "figures:ensemble.val", "reports:evaluate"} <= set(tested.nodes)


def test_without_the_overlap_a_recording_outside_of_the_split_has_influenced_nothing(ask):
    questions, dropped = ask("disjoint"), "102_1b1_Al_sc_Litt3200"
    assert dropped not in recordings(questions.ask("score"))
    forward = questions.ask(dropped)
    assert {node.kind for node in forward.nodes.values()} == {"recording", "samples", "annotation", "cycle", "fbank"}
    assert any("no cycle of the recording is in the split" in note for note in forward.notes)


@pytest.mark.parametrize("name", ["official", "disjoint", "paper", "folds", "best"])
def test_forward_and_backward_agree(ask, name):
    questions = ask(name)
    ends = [
        *(f"figures:{key}" for key in questions.catalogue.figures),
        *(f"weights:{one}" for model in questions.catalogue.models.values() for one in model.weights),
        *(f"prediction:{m}/{s}/{c}" for m, s in questions.evidence.judged for c in questions.catalogue.members("test")),
        *(f"soft_label:{c}" for c in questions.catalogue.members("val") + questions.catalogue.members("train")),
        "reports:evaluate",
    ]
    back = {end: reach(questions, end, "backward") for end in ends}
    starts = [f"recording:{recording}" for recording in questions.evidence.recordings]
    starts += [f"patient:{patient}" for patient in questions.evidence.recordings_of]
    for start in starts:
        forward = reach(questions, start, "forward")
        for end in ends:
            # What reaches a whole table through a model reaches its rows, which are not told one by one.
            whole = f"predictions:{end.split(':')[1].rpartition('/')[0]}" if end.startswith("prediction:") else end
            labels = {f"weights:{model.name}/val" for model in questions.catalogue.labelling(end.partition(":")[2])}
            reached = end in forward or whole in forward or (end.startswith("soft_label:") and bool(labels & forward))
            assert reached == (start in back[end]), (start, end)


def reach(questions, start, direction):
    found, waiting = {start}, [start]
    for node in waiting:
        for edge in neighbours(questions.kinds, node, direction):
            other = edge.cause if direction == "backward" else edge.effect
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


@pytest.mark.parametrize("name", ["official", "paper", "folds", "best"])
def test_each_step_back_is_a_step_forward_too(ask, name):
    questions = ask(name)
    starts = ["metric:student.val.sp.mean", *(f"patient:{patient}" for patient in questions.evidence.recordings_of)]
    starts += [
        f"prediction:{m}/{s}/{c}" for m, s in questions.evidence.judged for c in questions.catalogue.members("test")
    ]
    nodes = {node for start in starts for way in ("forward", "backward") for node in reach(questions, start, way)}
    rows = ("prediction:", "soft_label:")  # forward, a table that a model made stands for its rows
    steps = {edge for node in nodes for edge in neighbours(questions.kinds, node, "backward") if edge.how != MADE_BY}
    steps = {edge for edge in steps if not edge.effect.startswith(("stage:", "metric:"))}
    missing = {
        edge
        for edge in steps - {edge for node in nodes for edge in neighbours(questions.kinds, node, "forward")}
        if not (edge.cause.startswith("weights:") and edge.effect.startswith(rows))
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("what", "meant"),
    [
        ("scores", "score"),
        ("student.val.score_strickt.mean", "student.val.score_strict.mean"),
        ("101_1b1_Tc_sc_Meditronn", "101_1b1_Tc_sc_Meditron"),
        ("data/student/9", "data/student/1"),
        ("patient:999", "patient:10"),
        ("entirely else", "patient:101"),
    ],
)
def test_what_is_not_there_is_told_with_what_may_have_been_meant(ask, what, meant):
    with pytest.raises(BreathlineError, match="There is nothing called") as error:
        ask("official").ask(what)
    assert meant in str(error.value)


@pytest.mark.parametrize(
    ("what", "root"),
    [
        ("data/raw/audio/105_1b1_Tc_sc_Meditron.wav", "recording:105_1b1_Tc_sc_Meditron"),
        ("data/raw/audio/105_1b1_Tc_sc_Meditron.txt", "recording:105_1b1_Tc_sc_Meditron"),
        ("data/raw/metadata/ICBHI_Challenge_diagnosis.txt", "stage:download"),
        ("data/evaluation/predictions.parquet", "stage:evaluate"),
        ("data/fbank/ast/features.npy", "stage:fbank@ast"),
        ("data/student/1/history.csv", "stage:train_student@1"),
        ("data/lineage/fbank@ast.json", "stage:fbank@ast"),
        ("fbank@ast", "stage:fbank@ast"),
        ("reports/metrics.json", "reports:evaluate"),
    ],
)
def test_files_lead_to_what_made_them_and_those_of_a_recording_to_what_it_influenced(ask, what, root):
    trace = ask("official").ask(what)
    assert (trace.root, trace.direction) == (root, "forward" if root.startswith("recording") else "backward")
    if root.startswith("stage") and what != "fbank@ast":
        assert any(f"{what} is an out of" in note for note in trace.notes)


def test_a_stage_is_told_with_all_that_made_its_inputs(ask):
    assert len(names(ask("official").ask("evaluate"), "stage")) == 13, "the teacher that labels nothing is judged too"


def test_what_no_stage_made_is_told(roots, tmp_path):
    root = shutil.copytree(roots("official"), tmp_path / "project")
    (root / "data/fbank/ast/more.npy").touch()
    with pytest.raises(BreathlineError, match="No stage says that it made this"):
        Questions(project.load(root)).ask("data/fbank/ast/more.npy")
    with pytest.raises(BreathlineError, match="There is nothing called"):
        Questions(project.load(root)).ask("data/fbank/ast/none.npy")


def test_keys_of_both_files_of_figures_are_understood(ask, roots):
    scores = json.loads((roots("official") / "reports/scores.json").read_text())
    for what in ("val.student.sp", "val.ensemble.score_strict"):
        trace = ask("official").ask(what)
        selection, model, figure = what.split(".")
        assert trace.nodes[trace.root].facts["value"] == scores[selection][model][figure]
    assert ask("official").ask("test.cycles").nodes["figures:test"]
    assert recordings(ask("official").ask("test.cycles")) == TEST
    grouped = ask("official").ask("teachers.t1.val.groups.sex.F.sp")
    assert any("only the test cycles of this group" in note for note in grouped.notes)


@pytest.mark.parametrize(
    ("tamper", "note"),
    [
        (
            lambda root: edit(root, "train_teacher@t1", lambda found: renamed(found, "val.safetensors")),
            "soft_labels has read",
        ),
        (
            lambda root: (root / "reports/metrics.json").write_text((root / "reports/metrics.json").read_text() + " "),
            "reports/metrics.json is not what evaluate made",
        ),
        (lambda root: (root / "data/lineage/fbank@ast.json").unlink(), "no record of fbank@ast"),
        (
            lambda root: edit(root, "soft_labels", lambda found: found["params"].update(split="0")),
            "soft_labels ran with another `split`",
        ),
        (lambda root: rename_user(root / ".lineage/events.jsonl"), "the event log was altered"),
    ],
)
def test_records_that_contradict_each_other_are_told(roots, tmp_path, tamper, note):
    root = tmp_path / "project"
    shutil.copytree(roots("official"), root)
    tamper(root)
    trace = Questions(project.load(root)).ask("score")
    assert any(note in told for told in trace.notes), trace.notes


def edit(root, stage, change):
    path = root / f"data/lineage/{stage}.json"
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def rename_user(log):
    log.write_text(log.read_text().replace("anna", "bert", 1))


def renamed(found, name):
    (file,) = [one for out in found["outputs"] for one in out.get("files", []) if one["path"].endswith(name)]
    file["sha256"] = "0" * 64


def test_nothing_heavy_is_imported(roots):
    code = (
        "import sys; from pathlib import Path; from cli.audit.trace import answer; from lineage.render import page;"
        "answer(Path('.'), 'score'); answer(Path('.'), 'patient:101');"
        "print(sorted({'torch', 'dvc', 'prefect', 'sklearn', 'scipy', 'polars', 'soundfile'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    env = {"PYTHONPATH": str(small.ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=roots("official"), env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
