"""Effects of patients and recordings, and agreement of forward and backward traces."""

import pytest

from lineage.trace.provenance_graph import MADE_BY
from lineage.trace.traversal import neighbours
from tests.unit.lineage.trace.answers import recordings

# A project of its own each: 2 s.
LONG = [pytest.param(name, marks=pytest.mark.long) for name in ("paper", "best")]


def test_reruns_name_the_stages_that_learned_from_a_patient(ask):
    questions = ask("official")
    both = questions.ask("patient:102")
    assert recordings(both) == ["102_1b1_Al_sc_Litt3200", "102_2b1_Al_sc_Litt3200"]
    assert {rerun.stage for rerun in both.reruns if rerun.learned} == {
        "train_teacher@t1", "train_teacher@t2", "train_teacher@t3", "soft_labels", "train_student@1", "train_student@2"
    }  # fmt: skip
    everything = [name for name in questions.data.project.order if name not in ("weights@scratch", "external")]
    assert sorted(rerun.stage for rerun in both.reruns) == sorted(everything)
    tested = questions.ask("patient:105")
    assert not any(rerun.learned for rerun in tested.reruns)
    assert not tested.nodes_of("weights")
    assert len(tested.nodes_of("prediction")) == 2 * 6, "two cycles, of which six models speak"
    assert {"figures:student.val", "figures:ensemble.val", "reports:evaluate"} <= set(tested.nodes)


@pytest.mark.slow
def test_a_recording_outside_of_the_split_has_no_effect(ask):
    questions, dropped = ask("disjoint"), "102_1b1_Al_sc_Litt3200"
    assert dropped not in recordings(questions.ask("score"))
    forward = questions.ask(dropped)
    assert {node.kind for node in forward.nodes.values()} == {"recording", "samples", "annotation", "cycle", "fbank"}
    assert any("no cycle of the recording is in the split" in note for note in forward.notes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["official", "disjoint", "folds", "several", *LONG])
def test_forward_and_backward_agree(ask, name):
    questions = ask(name)
    ends = [
        *(f"figures:{key}" for key in questions.catalogue.figure_groups),
        *(f"weights:{one}" for model in questions.catalogue.models.values() for one in model.weights),
        *predictions(questions),
        *(f"soft_label:{c}" for c in questions.catalogue.members("val") + questions.catalogue.members("train")),
        "reports:evaluate",
    ]
    back = {end: reach(questions, end, "backward") for end in ends}
    starts = [f"recording:{recording}" for recording in questions.data.recordings]
    starts += [f"patient:{patient}" for patient in questions.data.recordings_of]
    for start in starts:
        forward = reach(questions, start, "forward")
        for end in ends:
            # What reaches a whole table through a model reaches its rows, which are not told one by one.
            whole = table_of(questions, end) if end.startswith("prediction:") else end
            labels = {f"weights:{model.name}/val" for model in questions.catalogue.labellers_of(end.partition(":")[2])}
            reached = end in forward or whole in forward or (end.startswith("soft_label:") and bool(labels & forward))
            assert reached == (start in back[end]), (start, end)


def predictions(questions):
    models, cycles = questions.data.predicted_models, list(filter(questions.data.is_tested, questions.data.cycles))
    return [f"prediction:{model}/{selection}/{cycle}" for model, selection in models for cycle in cycles]


def table_of(questions, prediction):
    """Return the node of the table of a prediction."""
    model, _, cycle = prediction.removeprefix("prediction:").rpartition("/")
    corpus = questions.data.corpus_of_cycle(cycle)
    return f"predictions:{corpus.name}:{model}" if corpus.role == "external" else f"predictions:{model}"


def reach(questions, start, direction):
    found, waiting = {start}, [start]
    for node in waiting:
        for edge in neighbours(questions.types, node, direction):
            other = edge.cause if direction == "backward" else edge.effect
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["official", "folds", "several", *LONG])
def test_each_edge_backward_is_an_edge_forward(ask, name):
    questions = ask(name)
    patients = (f"patient:{patient}" for patient in questions.data.recordings_of)
    starts = ["metric:student.val.sp.mean", *patients, *predictions(questions)]
    nodes = {node for start in starts for way in ("forward", "backward") for node in reach(questions, start, way)}
    rows = ("prediction:", "soft_label:")  # forward, a table that a model made stands for its rows
    steps = {edge for node in nodes for edge in neighbours(questions.types, node, "backward") if edge.how != MADE_BY}
    steps = {edge for edge in steps if not edge.effect.startswith(("stage:", "metric:"))}
    steps = {edge for edge in steps if not edge.cause.startswith("stage:")}  # stages have causes only
    missing = {
        edge
        for edge in steps - {edge for node in nodes for edge in neighbours(questions.types, node, "forward")}
        if not (edge.cause.startswith("weights:") and edge.effect.startswith(rows))
    }
    assert missing == set()
