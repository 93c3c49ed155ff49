"""Commands `breathline corpus add`, `list`, `show` and `remove` in a project."""

import hashlib
import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from cli.corpus import add
from cli.corpus.command import app
from flows.corpora import git_exclusion, items
from tasks.artifacts import CorpusFolders
from tasks.corpora.table import normalised
from tasks.parameters import judge
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.unit.tasks.own_data.invented import ROOT, write_audio

NAMES = [f"P{i}_{j}.wav" for i in range(3) for j in range(2)]
HEADING = "recording,onset,offset,kind,stethoscope"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project with recordings and a table of five columns, one of which has no usual name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    write_audio(tmp_path / "recordings", NAMES)
    lines = [
        f"{name},{start},{start + 1.5},{kind},Eko" for name in NAMES for start, kind in ((0, "normal"), (2, "rub"))
    ]
    (tmp_path / "sounds.csv").write_text("\n".join([HEADING, *lines]) + "\n", encoding="utf-8")
    return tmp_path


def call(*options: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(app, list(options), input=answers, env={"COLUMNS": "200"})


ADD = ("add", "mine", "--audio", "recordings", "--table", "sounds.csv")
COMPLETE = (*ADD, "--map", "label=kind", "--label", "rub=own")


@pytest.mark.slow
def test_a_corpus_that_is_added_has_a_head_like_the_others(project):
    raw = params.read() | {"heads": {"demo": "lungsound_2"}, "teachers": {}}
    raw["student"]["objective"]["name"] = "cross_entropy"
    YAML().dump(raw, project / "params.yaml")
    assert judge.problems() == []
    assert call(*COMPLETE).exit_code == 0
    assert params.read()["heads"] == {"mine": "lungsound_4"}  # the generated corpus is replaced
    assert judge.problems() == []


@pytest.mark.slow
def test_a_corpus_replaces_the_generated_one_and_is_listed_shown_and_removed(project):
    before = (project / "params.yaml").read_text(encoding="utf-8")
    assert call(*COMPLETE, "--dry").exit_code == 0
    assert (project / "params.yaml").read_text(encoding="utf-8") == before
    assert not (project / "corpora").exists()
    stale = CorpusFolders("training", "demo").raw
    stale.mkdir(parents=True)

    done = call(*COMPLETE)
    assert done.exit_code == 0, done.exception
    assert "column `onset`" in done.stdout
    assert "3 patients, 6 recordings, 12 segments" in done.stdout
    assert not stale.exists()
    raw = params.read()
    content = (project / "corpora/mine.csv").read_bytes()
    table = {"file": "corpora/mine.csv", "sha256": hashlib.sha256(content).hexdigest()}
    source = {"format": "table", "source": "directory", "path": "recordings", "table": table}
    assert raw["corpora"] == {"mine": source}
    assert raw["split"] == 0
    assert judge.problems() == []
    assert {row.device for row in normalised.read(project / "corpora/mine.csv")} == {"Eko"}
    text = (project / "params.yaml").read_text(encoding="utf-8")
    assert sum(line.strip().startswith("#") for line in text.splitlines()) > 10

    listed = json.loads(call("list", "--json").stdout)
    assert [(one["name"], one["role"], one["contents"]) for one in listed] == [("mine", "training", None)]
    assert "Not extracted yet" in call("show", "mine").stdout

    assert call("add", "other", "--role", "external", *COMPLETE[2:]).exit_code == 0
    assert list(params.read()["external"]) == ["other"]
    assert list(params.read()["corpora"]) == ["mine"]
    removed = call("remove", "other")
    assert removed.exit_code == 0
    assert "corpora/other.csv" in removed.stdout
    assert params.read()["external"] == {}
    assert not (project / "corpora/other.csv").exists()
    assert "only training corpus" in str(call("remove", "mine").exception)


def test_all_problems_are_in_one_error_and_nothing_is_written(project):
    (project / "recordings/P1_0.wav").write_bytes(b"RIFF")
    done = call(*ADD)
    assert isinstance(done.exception, BreathlineError)
    message = str(done.exception)
    assert "sounds.csv:1: no column for `label` was found" in message
    assert "recordings/P1_0.wav" in message
    assert "2 problems; nothing was written to params.yaml" in message
    assert "column `onset`" in done.stdout
    assert not (project / "corpora").exists()


def test_nothing_is_written_where_the_exclusion_from_git_fails(project, monkeypatch):
    def fail(*_):
        raise BreathlineError("The disk is full.")

    before = (project / "params.yaml").read_text(encoding="utf-8")
    monkeypatch.setattr(git_exclusion, "exclude", fail)
    assert "disk is full" in str(call(*COMPLETE).exception)
    assert (project / "params.yaml").read_text(encoding="utf-8") == before
    assert not (project / "corpora").exists()


def test_recordings_that_git_has_are_a_warning_and_the_table_is_excluded(project):
    toy.call(project, "git", "init", "--quiet")
    toy.call(project, "git", "add", "recordings")
    printed = call(*COMPLETE).stdout
    assert "Excluded from Git by .gitignore: /sounds.csv" in printed
    assert "! Git already has recordings/P0_0.wav" in printed


def test_many_problems_are_listed_in_a_file(project):
    text = (project / "sounds.csv").read_text(encoding="utf-8").replace(",1.5,", ",99,").replace(",3.5,", ",99,")
    (project / "sounds.csv").write_text(text * 1 + "".join(f"none{i}.wav,0,1,normal,Eko\n" for i in range(20)))
    message = str(call(*COMPLETE).exception)
    listed = (project / "corpora/mine-problems.txt").read_text(encoding="utf-8").splitlines()
    assert f"has {len(listed)} problems" in message or f"have {len(listed)} problems" in message
    assert len(listed) == 32
    assert message.count("\n  - ") == 20
    assert "and 12 more: corpora/mine-problems.txt lists all" in message


def test_on_a_terminal_unknown_columns_and_labels_are_asked_for(project, monkeypatch):
    monkeypatch.setattr(add, "is_terminal", lambda console: True)
    done = call(*ADD, answers="kind\nnoise\nown\ny\n")
    assert done.exit_code == 0, done.exception
    assert "Which column is the label?" in done.stdout
    assert "Use one of: normal, crackle" in done.stdout
    assert {row.kind for row in normalised.read(project / "corpora/mine.csv")} == {"normal", "own"}
    refused = call("add", "other", *COMPLETE[2:], answers="n\n")
    assert refused.exit_code == 1
    assert not (project / "corpora/other.csv").exists()


@pytest.mark.slow
def test_adding_again_keeps_patients_that_are_left_out_and_refuses_another_format(project):
    assert call(*COMPLETE).exit_code == 0
    text = (project / "params.yaml").read_text(encoding="utf-8")
    text = text.replace("    path: recordings\n", "    path: recordings\n    exclude_patients: [mine-P1]\n")
    (project / "params.yaml").write_text(text, encoding="utf-8")
    assert call(*COMPLETE).exit_code == 0
    assert params.read()["corpora"]["mine"]["exclude_patients"] == ["mine-P1"]
    lines = (project / "sounds.csv").read_text(encoding="utf-8").splitlines()
    names = [name.replace("P1", "P3") for name in NAMES]
    write_audio(project / "recordings", names)
    (project / "sounds.csv").write_text("\n".join(line.replace("P1", "P3") for line in lines), encoding="utf-8")
    assert call(*COMPLETE).exit_code == 0
    assert "exclude_patients" not in params.read()["corpora"]["mine"]
    assert "corpus `mine` already" in str(call("add", "mine", *COMPLETE[2:], "--role", "external").exception)


@pytest.mark.parametrize(("options", "what"), [(("--map", "label"), "has no `=`"), (("--window", "0"), None)])
def test_a_wrong_option_is_refused(project, options, what):
    done = call(*COMPLETE, *options)
    assert done.exit_code in (1, 2)
    assert what is None or what in str(done.exception)


def test_a_split_of_the_table_is_the_split_of_the_corpus(project):
    lines = (project / "sounds.csv").read_text(encoding="utf-8").splitlines()
    sides = [f"{line},{'test' if line.startswith('P2') else 'train'}" for line in lines[1:]]
    (project / "sounds.csv").write_text("\n".join([f"{HEADING},split", *sides]), encoding="utf-8")
    assert call(*COMPLETE).exit_code == 0
    assert params.read()["split"] == "own"
    assert items.get(Path(), "mine").role == "training"
