"""Command `breathline audit log`: runs and their changes, uses of test sets, seeds that no figure reports."""

import json
import shutil
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.audit import log as command
from cli.main import app
from lineage import events, foreign_modules, record, recorder, run_history
from tests.pipeline import tampering as do
from tests.unit.lineage import small

NONE = foreign_modules.ForeignModules({}, (), ())


def run(*arguments, code=0):
    done = CliRunner().invoke(app, ["audit", "log", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def again(root: Path, stage: str) -> None:
    """Record another run of a stage with its outs as they are; the modules of this process are accepted."""
    decisions = record.read(root, stage)["decisions"]
    with mock.patch.object(foreign_modules, "accepted", return_value=NONE), recorder.recorded(root, stage, decisions):
        pass


def started(root: Path, stage: str, **end: object) -> None:
    """Append a run by another user, with an end if it is given."""
    first = events.append(root, {"event": "start", "stage": stage, "at": events.now(), "user": "bert", "host": "gpu"})
    if end:
        events.append(root, {"event": "end", "stage": stage, "start": first, "at": events.now(), **end})


@pytest.fixture(scope="module")
def studied(small_run, tmp_path_factory):
    """Return a project after a study: two settings, a new student, a failed seed, and a run in a workspace."""
    root = shutil.copytree(small_run, tmp_path_factory.mktemp("studied") / "project")
    text = (root / "params.yaml").read_text()
    settings = small.params.read(root / "params.yaml")["evaluation"]
    (root / "params.yaml").write_text(text.replace(f"seed: {settings['seed']}", "seed: 5"))
    safe = root / "data/student/1/val.safetensors"
    safe.write_bytes(safe.read_bytes()[:-1] + b"@")
    again(root, "evaluate")
    started(root, "train_student@7", status="failed", error="OutOfMemoryError: [red]GPU\x1b[2J", seconds=3.0)
    started(root, "train_student@7")
    workspace = root / ".leaderboard/mn_sam"
    workspace.mkdir(parents=True)
    started(workspace, "train_student@3", status="done", record="0" * 64, seconds=1.0)
    return root


@pytest.fixture
def here(studied, monkeypatch):
    monkeypatch.chdir(studied)
    return studied


def test_runs_are_told_with_people_outcome_and_changes(here):
    runs = json.loads(run("--json"))["runs"]
    assert len(runs) == len(small.graph.read(here)) + 4
    first, last = (one for one in runs if one["stage"] == "evaluate")
    assert (first["user"], first["host"], first["status"], first["changed"]) == ("anna", "small", "done", "first run")
    changed = last["changed"]
    assert "evaluation.seed" in changed["parameters"]["changed"]
    assert list(changed["inputs"]["changed"]) == ["data/student/1/val.safetensors"]
    assert (changed["outs"]["changed"], changed["code"]["changed"]) == ({}, {})
    failed, unfinished = (one for one in runs if one["stage"] == "train_student@7")
    assert (failed["status"], failed["user"], unfinished["status"]) == ("failed", "bert", "unfinished")
    assert [one["log"] for one in runs if one["stage"] == "train_student@3"] == [".leaderboard/mn_sam"]


def test_each_test_set_names_its_evaluations_and_models(here):
    (used,) = json.loads(run("--json"))["test_sets"]
    # The event of the first evaluation does not name its test set, but its record in the cache does.
    assert (used["current"], used["evaluations"], used["cycles"], used["labels"]) == (True, 2, 4, "lungsound_4")
    names = sorted(name for names in used["students"].values() for name in names)
    assert names == ["student/1", "student/1", "student/2"]
    assert len(used["teachers"]) == 3


def test_seeds_that_were_started_and_not_reported_are_named(here):
    seeds = {(one["log"], one["seed"]): one for one in json.loads(run("--json"))["seeds"]}
    assert {key: one["reported"] for key, one in seeds.items()} == {
        (".", "1"): True, (".", "2"): True, (".", "7"): False, (".leaderboard/mn_sam", "3"): False,
    }  # fmt: skip
    left = seeds[".", "7"]
    assert (left["started"], left["done"], left["failed"]) == (2, 0, 1)


def test_a_terminal_of_80_columns_and_a_pipe_show_the_history(here, monkeypatch):
    monkeypatch.setattr(command, "MOST", 6)
    found = run_history.read(here, most=6)
    terminal = Console(width=80, force_terminal=True, no_color=True, record=True, file=StringIO())
    command.show(found, terminal, everything=False)
    shown = terminal.export_text()
    assert max(map(len, shown.splitlines())) <= 80
    for words in (
        "16 earlier runs: --all",
        "seed 7",
        "not in the figures: started 2 times",
        "bert@gpu (3)",
        "\\x1b[2J",
    ):
        assert words in shown, words
    lines = run().splitlines()
    (line,) = (one for one in lines if "evaluate" in one and "evaluation.seed" in one)
    assert "inputs: data/student/1/val.safetensors" in line
    assert any("evaluated 2 times" in one and "teacher/t3" in one for one in lines)


def test_only_the_runs_of_a_stage_or_group_are_listed(here):
    groups = {one["stage"] for one in json.loads(run("--stage", "train_student", "--json"))["runs"]}
    assert groups == {f"train_student@{seed}" for seed in (1, 2, 3, 7)}
    found = json.loads(run("--stage", "train_student@7", "--json"))
    assert (len(found["runs"]), [one["seed"] for one in found["seeds"]], found["test_sets"]) == (2, ["7"], [])
    assert "try train_student" in run("--stage", "train_studnet", code=1)


def test_earlier_records_that_the_cache_has_lost_are_told(studied, tmp_path, monkeypatch):
    root = shutil.copytree(studied, tmp_path / "project")
    shutil.rmtree(root / ".dvc/cache")
    # As in entries of earlier versions; the record of the first evaluation is lost.
    do.rewrite_log(root, lambda entry: {key: value for key, value in entry.items() if key != "evaluated"})
    monkeypatch.chdir(root)
    runs = [one for one in json.loads(run("--json"))["runs"] if one["stage"] == "evaluate"]
    assert runs[-1]["changed"] == "unknown: 1 record no longer in the cache, or damaged"
    assert "1 evaluation: the entries do not name their test set" in run()


def test_altered_and_missing_logs_are_told(studied, tmp_path, monkeypatch):
    root = shutil.copytree(studied, tmp_path / "project")
    monkeypatch.chdir(root)
    path = root / events.LOG
    path.write_text(path.read_text().replace('"user":"anna"', '"user":"hugo"', 1))
    assert "The event log was altered" in run()
    shutil.rmtree(root / ".lineage")
    assert "not in the figures" in run(), "the logs of workspaces are still there"
    shutil.rmtree(root / ".leaderboard")
    assert "There is no event log" in run(code=1)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """Return the lines of a log with an adopted run of `evaluate`, in a folder without any other file."""
    root = tmp_path_factory.mktemp("logged")
    used = {"test_set": "a" * 64, "students": ["b"], "teachers": ["c"]}
    started(root, "train_student@1", status="failed", error="killed", seconds=1.0)
    started(root, "evaluate", status="done", record="0" * 64, seconds=1.0, evaluated=used, adopted={"hash": "1" * 64})
    return (root / events.LOG).read_text().splitlines()


@pytest.mark.parametrize("value", [None, 7, "x", [7], {"hash": [7]}, float("nan")], ids=str)
def test_an_entry_with_any_altered_value_hides_no_run(logged, tmp_path, monkeypatch, value):
    monkeypatch.chdir(tmp_path)
    (tmp_path / events.LOG).parent.mkdir()
    for number, line in enumerate(logged):
        for key in json.loads(line):
            altered = {**json.loads(line), key: value}
            lines = [*logged[:number], json.dumps(altered), *logged[number + 1 :]]
            (tmp_path / events.LOG).write_text("\n".join(lines) + "\n")
            found = run_history.read(tmp_path)
            json.dumps(found.as_json())
            terminal = Console(width=80, record=True, file=StringIO())
            command.show(found, terminal, everything=True)
            shown = terminal.export_text()
            assert "was altered" in shown, (key, shown)
            assert shown.count("evaluate") + shown.count("train_student") >= 1, (key, shown)


def test_a_log_that_cannot_be_read_is_shown_as_altered(logged, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / events.LOG).parent.mkdir()
    (tmp_path / events.LOG).write_text("\n".join(["[]", *logged]) + "\n")
    assert "The event log was altered" in run()
    (tmp_path / events.LOG).write_text("\n".join([*logged[:2], "[]", *logged[2:]]) + "\n")
    shown = run()
    assert "train_student@1" in shown, "the entries before the damage are shown"
    assert "The event log was altered" in shown


@pytest.mark.parametrize("record", [[], {"stage": "evaluate"}, {"stage": "evaluate", "outputs": 3}], ids=str)
def test_a_damaged_record_leaves_the_changes_unknown(record):
    with mock.patch.object(run_history.cached_records, "find", return_value=[("0" * 64, record)]):
        assert run_history._facts([], Path(), {"0" * 64}) == ({}, {})
