"""Steps of a withdrawal that fail or are refused."""

import shutil
from io import StringIO
from unittest import mock

import pytest
from filelock import FileLock
from rich.console import Console
from typer.testing import CliRunner

from cli import withdraw
from cli.main import app
from flows.withdrawal import erase, letter, plan, run
from lineage import dvc_storage
from lineage.absence import stores, withdrawals
from lineage.absence.git_search import GitObjects
from tasks.runtime.errors import BreathlineError
from tests.unit.flows.withdrawal.patient_copies import PATIENT, QUESTION

STORES = ("experiments", "workspaces", "copies", "files", "versions", "log_entries", "links", "unread")


def test_a_failed_run_erases_nothing_and_the_command_continues(small_run, tmp_path, monkeypatch):
    root = shutil.copytree(small_run, tmp_path / "project")
    monkeypatch.chdir(root)
    monkeypatch.setattr(run, "_rerun", mock.Mock(side_effect=BreathlineError("The run failed.")))
    objects = sorted((root / ".dvc/cache").rglob("*"))
    assert CliRunner().invoke(app, ["withdraw", QUESTION, "--yes"]).exit_code == 1
    assert sorted((root / ".dvc/cache").rglob("*")) == objects
    assert withdrawals.find(root, PATIENT) is not None
    shutil.rmtree(root / "data/waveforms")
    (root / ".checkpoints").mkdir()
    (root / ".checkpoints/training.pt").write_text("weights of any training")
    planned = plan.make(root, QUESTION)
    assert planned.known.rows, "the hashes of the first attempt serve the second"
    terminal = Console(width=80, force_terminal=True, no_color=True, record=True, file=StringIO())
    withdraw.show(planned, terminal)
    shown = terminal.export_text()
    assert max(map(len, shown.splitlines())) <= 80
    assert "train_student@1" in shown
    assert ".checkpoints/ (0.0 MB, whole)" in shown


@pytest.mark.parametrize(
    ("erased", "left", "remotes", "unfinished"),
    [
        (False, {"store": 3}, {"store": "3 objects"}, []),
        (False, {"store": 0}, {}, []),
        (False, {}, {"store": "not searched"}, []),
        (False, None, {"store": "not in a folder of this machine, not searched"}, []),
        (True, {"store": 3}, {}, ["left: remote store: 3 objects"]),
    ],
)
def test_a_remote_with_objects_is_no_proof_of_absence(erased, left, remotes, unfinished):
    found = stores.Stores(cached=mock.Mock(objects=(), entries=()), **dict.fromkeys(STORES, ()), in_git=GitObjects())
    remote = plan.Remote(name="store", url="x", cache=None if left is None else mock.Mock(), erased=erased)
    planned = mock.Mock(remotes=[remote], downloads=[], stores=found)
    absence = mock.Mock(traces=(), not_there=(), proven=True)
    searched = {"absence": absence, "stores": found, "left_in_remotes": left or {}}
    outcome = run.Outcome(plan=planned, at="", erased=mock.Mock(), **searched, failed=())
    assert (outcome.remotes, outcome.unfinished) == (remotes, unfinished)
    assert outcome.proven == (not remotes and not unfinished)


def test_a_running_reproduction_is_not_erased(tmp_path):
    folder = tmp_path / stores.REPRODUCTIONS
    folder.mkdir(parents=True)
    with FileLock(folder / "student.lock"), pytest.raises(BreathlineError, match="being reproduced"):
        run.carry_out(tmp_path, mock.Mock())
    assert list(tmp_path.iterdir()) == [tmp_path / ".dvc"], "neither hashes nor params.yaml are written"


def test_what_cannot_be_removed_is_noted_and_all_else_is_removed(tmp_path):
    cache, failed = dvc_storage.Cache(tmp_path), []
    (cache.object("ab1") / "a folder where a file should be").mkdir(parents=True)
    cache.object("cd2").parent.mkdir(parents=True)
    cache.object("cd2").write_text("an object")
    erase._cached(cache, mock.Mock(objects=["ab1", "cd2"], entries=[]), failed)
    assert not cache.object("cd2").exists()
    assert [str(cache.object("ab1")) in one for one in failed] == [True]


def test_an_address_of_git_that_cannot_be_read_does_not_stop_the_letter():
    assert letter._address("https://[anna:secret@example.org") == "an address that cannot be read"
    assert letter._address("https://anna:secret@example.org/a") == "https://example.org/a"
