"""Names in questions, errors, notes on contradicting records, and imports of a trace."""

import shutil
import subprocess
import sys

import pytest

from lineage import project
from lineage.trace.queries import TraceQueries
from tasks.runtime.errors import BreathlineError
from tests.unit.lineage import small
from tests.unit.lineage.small import edit


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
def test_an_unknown_name_is_an_error_with_similar_names(ask, what, meant):
    with pytest.raises(BreathlineError, match="There is nothing called") as error:
        ask("official").ask(what)
    assert meant in str(error.value)


@pytest.mark.parametrize(
    ("what", "root"),
    [
        ("data/raw/icbhi/audio/105_1b1_Tc_sc_Meditron.wav", "recording:105_1b1_Tc_sc_Meditron"),
        ("data/raw/icbhi/audio/105_1b1_Tc_sc_Meditron.txt", "recording:105_1b1_Tc_sc_Meditron"),
        ("data/raw/icbhi/metadata/ICBHI_Challenge_diagnosis.txt", "stage:download@icbhi"),
        ("data/evaluation/predictions.parquet", "stage:evaluate"),
        ("data/fbank/ast/icbhi/features.npy", "stage:fbank@icbhi-ast"),
        ("data/student/1/history.csv", "stage:train_student@1"),
        ("data/lineage/fbank@icbhi-ast.json", "stage:fbank@icbhi-ast"),
        ("fbank@icbhi-ast", "stage:fbank@icbhi-ast"),
        ("reports/metrics.json", "reports:evaluate"),
    ],
)
def test_a_file_names_its_stage_or_its_recording(ask, what, root):
    trace = ask("official").ask(what)
    assert (trace.root, trace.direction) == (root, "forward" if root.startswith("recording") else "backward")
    if root.startswith("stage") and what != "fbank@icbhi-ast":
        assert any(f"{what} is an out of" in note for note in trace.notes)


def test_a_file_without_record_is_an_error(roots, tmp_path):
    root = shutil.copytree(roots("official"), tmp_path / "project")
    (root / "data/fbank/ast/icbhi/more.npy").touch()
    with pytest.raises(BreathlineError, match="No record names this file"):
        TraceQueries(project.load(root)).ask("data/fbank/ast/icbhi/more.npy")
    with pytest.raises(BreathlineError, match="There is nothing called"):
        TraceQueries(project.load(root)).ask("data/fbank/ast/icbhi/none.npy")


def other_weights(found):
    """Give the weights of a teacher's record another hash."""
    (file,) = [one for out in found["outputs"] for one in out["files"] if one["path"].endswith("val.safetensors")]
    file["sha256"] = "0" * 64


def text(path, old, new):
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize(
    ("path", "tamper", "note"),
    [
        ("data/lineage/train_teacher@t1.json", lambda path: edit(path, other_weights), "soft_labels has read"),
        ("reports/metrics.json", lambda path: text(path, "{", "{ "), "reports/metrics.json is not what evaluate made"),
        ("data/lineage/fbank@icbhi-ast.json", lambda path: path.unlink(), "no record of fbank@icbhi-ast"),
        (
            "data/lineage/soft_labels.json",
            lambda path: edit(path, lambda found: found["params"].update(split="0")),
            "soft_labels ran with another `split`",
        ),
        (".lineage/events.jsonl", lambda path: text(path, "anna", "bert"), "the event log was altered"),
    ],
)
def test_contradicting_records_are_noted(roots, tmp_path, path, tamper, note):
    root = shutil.copytree(roots("official"), tmp_path / "project")
    tamper(root / path)
    trace = TraceQueries(project.load(root)).ask("score")
    assert any(note in said for said in trace.notes), trace.notes


def test_a_record_without_decisions_is_an_error(roots, tmp_path):
    root = shutil.copytree(roots("official"), tmp_path / "project")
    edit(root / "data/lineage/train_student@2.json", lambda found: found.pop("decisions"))
    with pytest.raises(BreathlineError, match="The record of train_student@2 has no decisions"):
        TraceQueries(project.load(root)).ask("score")


@pytest.mark.slow
def test_a_trace_imports_no_slow_library(roots):
    code = (
        "import sys; from pathlib import Path; from cli.audit.trace import answer; from lineage.render import page;"
        "answer(Path('.'), 'score'); answer(Path('.'), 'patient:101');"
        "print(sorted({'torch', 'dvc', 'prefect', 'sklearn', 'scipy', 'polars', 'soundfile'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    env = {"PYTHONPATH": str(small.ROOT), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=roots("official"), env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
