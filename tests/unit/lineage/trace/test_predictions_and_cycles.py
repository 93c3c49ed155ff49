"""Causes of a prediction and of a soft label."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from tasks.runtime import params
from tasks.training import teachers
from tests.unit.lineage.trace.answers import TRAIN, VAL, names, recordings


def test_a_prediction_leads_to_row_cycle_and_bytes(ask, roots):
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
    index = pq.read_table(root / "data/fbank/panns/icbhi/index.parquet").to_pylist()
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


def test_models_have_the_number_of_cycles_of_the_patient(ask):
    trace = ask("official").ask("102_2b1_Al_sc_Litt3200_000")
    seen = {node.name: node.facts["cycles_of_patient_102"] for node in trace.nodes_of("weights")}
    assert seen["student/1/val"] == seen["teacher/t2/val"] == {"train": 2, "val": 0}
    assert "learned from 2 cycles of patient 102" in trace.nodes["weights:student/1/val"].label
    other = ask("official").ask("106_1b1_Tc_sc_Meditron_000")
    assert "never learned from patient 106" in other.nodes["weights:student/1/val"].label


def test_a_training_cycle_leads_to_its_soft_label_and_teachers(ask, roots):
    cycle = "103_1b1_Tc_sc_Meditron_001"
    trace = ask("official").ask(cycle)
    facts = trace.nodes[f"soft_label:{cycle}"].facts
    table = pq.read_table(roots("official") / "data/soft_labels/soft_labels.parquet").to_pylist()
    (stored,) = [row for row in table if row["cycle_id"] == cycle]
    assert facts["soft_labels"] == stored["soft_labels"]
    assert facts["logits"] == {"teacher/t1": stored["logits.t1"], "teacher/t2": stored["logits.t2"]}
    assert {f"fbank:ast/{cycle}", f"fbank:panns/{cycle}"} <= set(trace.nodes)
    assert recordings(trace) == sorted(TRAIN + VAL), "the teachers learned from these"


@pytest.mark.slow
def test_a_teacher_labels_only_patients_of_its_fold(ask):
    questions = ask("folds")
    models = questions.catalogue.models
    assert {models["teacher/t1"].held_out, models["teacher/t2"].held_out} == {
        frozenset(cycle for cycle in questions.catalogue.members("train") if cycle.startswith(patient))
        for patient in ("102", "103")
    }
    for cycle in questions.catalogue.members("train"):
        trace = questions.ask(cycle)
        (teacher,) = (node for node in trace.nodes_of("weights") if node.name.startswith("teacher"))
        assert f"never learned from patient {cycle[:3]}" in teacher.label
        (learned,) = (edge.cause for edge in trace.edges if (edge.effect, edge.how) == (teacher.id, "learned from"))
        assert recordings(trace, learned.removeprefix("set:")) == [one for one in TRAIN if one[:3] != cycle[:3]]
    assert "teacher/t3/val" not in names(questions.ask("score"), "weights"), "k is 1 a fold"


@pytest.mark.slow
def test_the_labelling_teachers_are_those_of_the_stage(ask, roots):
    for name in ("official", "best", "folds"):
        read = params.read(roots(name) / "params.yaml")
        settings = params.parse(
            teachers.ChoiceSettings,
            {key: read["soft_labels"][key] for key in ("k", "choose", "exposure")},
            "soft_labels",
        )
        chosen = teachers.choose(teachers.read(read), settings, roots(name) / "data/teachers")
        assert [model.name.partition("/")[2] for model in ask(name).catalogue.labelling_teachers] == chosen
    best = ask("best").ask("data/soft_labels/soft_labels.parquet")
    how = {edge.cause: edge.how for edge in best.edges if edge.effect == "soft_labels:train"}
    assert how["weights:teacher/t3/val"] == how["weights:teacher/t2/val"] == "labelled"
    assert how["weights:teacher/t1/val"] == "its validation Score was compared", "its Score is the lowest"
