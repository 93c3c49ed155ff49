"""Traces of a project with two corpora to learn from and one that is only tested on."""

import pytest

from cli.audit.trace import answer
from lineage.trace.queries import TraceQueries
from tasks.runtime.errors import BreathlineError
from tests.unit.lineage.trace.answers import names, recordings

EXTERNAL = ["hospital:101_1b1_Tc_sc_Meditron", "hospital:301_1b1_Tc_sc_Meditron"]
STUDENT = "student.val.score_strict.mean"


def test_a_model_names_the_corpora_that_it_learned_from(ask):
    trace = ask("several").ask("data/student/1")
    assert trace.as_json()["corpora"] == ["icbhi", "second"]
    assert not any(name.startswith("hospital:") for name in recordings(trace))
    assert {"download@icbhi", "download@second", "pool"} <= set(names(trace, "stage"))
    assert not any("external" in name for name in names(trace, "stage"))
    assert trace.nodes["source:second"].label == "corpus second: archive second.zip"


def test_an_external_figure_leads_to_the_recordings_of_its_corpus(ask):
    trace = ask("several").ask(f"external.hospital.{STUDENT}")
    assert recordings(trace, "external hospital") == EXTERNAL
    assert recordings(trace, "test") == []
    assert trace.nodes["source:hospital"].label == "external corpus hospital: archive hospital.zip"
    stages = ["download", "extract", "fbank", "validate"]
    assert {f"{stage}_external@hospital" for stage in stages[:2]} <= set(names(trace, "stage"))
    assert "fbank_external@hospital-ast" in names(trace, "stage")
    assert "hospital" not in ask("several").ask("score").as_json()["corpora"]
    assert ask("several").ask("external.hospital.val.student.sp").root == "metric:external.hospital.student.val.sp.mean"


def test_the_figure_of_a_corpus_leads_to_its_own_test_recordings(ask):
    questions = ask("several")
    trace = questions.ask(f"corpora.second.{STUDENT}")
    assert recordings(trace, "test of second") == ["203_1b1_Tc_sc_Meditron"]
    assert recordings(trace, "test") == []
    counts = questions.ask("corpora.second.test.cycles")
    assert (recordings(counts), names(counts, "figures")) == (["203_1b1_Tc_sc_Meditron"], ["corpora.second.test"])


@pytest.mark.parametrize(
    ("what", "root"),
    [
        ("patient:301", "patient:hospital:301"),
        ("patient:hospital:101", "patient:hospital:101"),
        ("patient:icbhi:101", "patient:101"),
        ("301_1b1_Tc_sc_Meditron", "recording:hospital:301_1b1_Tc_sc_Meditron"),
        ("hospital:101_1b1_Tc_sc_Meditron", "recording:hospital:101_1b1_Tc_sc_Meditron"),
        ("data/external/raw/hospital/audio/101_1b1_Tc_sc_Meditron.wav", "recording:hospital:101_1b1_Tc_sc_Meditron"),
        ("data/raw/second/audio/201_1b1_Tc_sc_Meditron.txt", "recording:201_1b1_Tc_sc_Meditron"),
        ("hospital:301_1b1_Tc_sc_Meditron_000", "row:hospital:301_1b1_Tc_sc_Meditron_000"),
    ],
)
def test_an_id_may_name_its_corpus(roots, what, root):
    trace = answer(roots("several"), what)
    assert trace.root == root
    assert trace.notes == ()


def test_an_id_of_two_corpora_is_that_of_the_training_corpus_with_a_note(ask):
    trace = ask("several").ask("patient:101")
    assert recordings(trace) == ["101_1b1_Tc_sc_Meditron"]
    assert trace.notes == ("the external corpus hospital has one of this name as well: ask about patient:hospital:101",)


def test_an_id_of_two_external_corpora_needs_the_name_of_one(ask):
    questions = TraceQueries(ask("several").data.project)
    (hospital,) = questions.data.external
    other = type(hospital)("external", "clinic")
    questions.data.external = [hospital, other]
    rows = {f"{one.name}:401_1b1_Tc_sc_Meditron": {} for one in (hospital, other)}
    questions.data.recordings = {**questions.data.recordings, **rows}
    with pytest.raises(BreathlineError, match="2 external corpora have `401_1b1_Tc_sc_Meditron`") as error:
        questions.ask("401_1b1_Tc_sc_Meditron")
    assert "hospital:401_1b1_Tc_sc_Meditron, clinic:401_1b1_Tc_sc_Meditron" in str(error.value)


@pytest.mark.slow
def test_nothing_has_learned_from_an_external_patient(ask):
    trace = ask("several").ask("patient:hospital:101")
    assert {rerun.stage for rerun in trace.reruns} == {
        *(f"{stage}_external@hospital" for stage in ("download", "extract", "validate")),
        *(f"fbank_external@hospital-{front_end}" for front_end in ("ast", "panns")),
        "evaluate",
        "explain",
        "export",
        "report",
    }
    assert not any(rerun.learned for rerun in trace.reruns)
    assert not trace.nodes_of("weights")
    learned = ask("several").ask("patient:201")
    stages = {rerun.stage for rerun in learned.reruns}
    assert {"download@second", "pool", "train_student@1"} <= stages
    assert not stages & {"download@icbhi", "fbank@icbhi-ast", "download_external@hospital"}


def test_a_row_of_an_external_corpus_leads_to_its_bytes_and_predictions(ask):
    cycle = "hospital:301_1b1_Tc_sc_Meditron_001"
    trace = ask("several").ask(cycle)
    wav = "data/external/raw/hospital/audio/301_1b1_Tc_sc_Meditron.wav"
    assert trace.nodes[f"samples:{cycle}"].facts["path"] == wav
    assert trace.nodes[f"fbank:ast/{cycle}"].facts["path"] == "data/external/tested/hospital/fbank/ast/features.npy"
    assert trace.nodes[f"prediction:student/1/val/{cycle}"].facts["path"] == "data/evaluation/external.parquet"
    assert "never learned from patient hospital:301" in trace.nodes["weights:student/1/val"].label
