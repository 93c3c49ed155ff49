"""Plan of a withdrawal, and the reasons to refuse one."""

import json
import shutil

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from cli import withdraw
from cli.main import app
from flows.withdrawal import plan
from lineage import dvc_storage
from lineage.absence import withdrawals
from tasks.artifacts import CorpusFolders
from tasks.runtime.errors import BreathlineError
from tests.unit.flows.withdrawal.patient_copies import QUESTION


def test_a_place_outside_of_the_project_is_shown_by_its_way_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert withdraw._size(tmp_path.parent / "project/.lineage/torn-1.txt") == "../project/.lineage/torn-1.txt"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["patient:999"], "has a patient 999"),
        (["103"], "does not name a patient"),
        ([QUESTION, "--remote", "nowhere"], "no remote of DVC in a folder"),
        ([QUESTION], "no terminal can be asked"),
    ],
    ids=["unknown", "no patient", "no remote", "not asked"],
)
def test_a_withdrawal_is_refused_with_a_reason(small_run, monkeypatch, arguments, words):
    monkeypatch.chdir(small_run)
    done = CliRunner().invoke(app, ["withdraw", *arguments])
    assert done.exit_code == 1
    assert words in " ".join(done.output.split())
    assert not (small_run / withdrawals.FOLDER).exists()


@pytest.mark.parametrize("level", ["DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR"])
def test_remotes_of_the_settings_of_user_and_machine_are_in_the_plan(tmp_path, monkeypatch, level):
    (tmp_path / "config").write_text("['remote \"shared\"']\n    url = s3://bucket/of/the/group\n")
    monkeypatch.setenv(level, str(tmp_path))
    assert dvc_storage.remotes_of(tmp_path) == {"shared": "s3://bucket/of/the/group"}


def test_a_download_in_the_cache_of_the_hub_is_named(tmp_path, monkeypatch):
    given = {"format": "icbhi", "source": "hub", "dataset": "lungs/icbhi", "revision": "a" * 40}
    (tmp_path / "params.yaml").write_text(json.dumps({"corpora": {"icbhi": given}, "external": {}}))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    corpus = CorpusFolders("training", "icbhi")
    assert list(plan._downloads(tmp_path, corpus)) == []
    folder = tmp_path / "hub/datasets--lungs--icbhi"
    folder.mkdir(parents=True)
    assert list(plan._downloads(tmp_path, corpus)) == [folder]


def test_missing_waveforms_are_no_basis_for_a_withdrawal(small_run, tmp_path):
    root = shutil.copytree(small_run, tmp_path / "project")
    shutil.rmtree(root / "data/waveforms")
    with pytest.raises(BreathlineError, match="cannot be read") as caught:
        plan.make(root, QUESTION)
    assert "dvc checkout" in caught.value.hint
