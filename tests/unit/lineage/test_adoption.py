"""Adoption of runs from the event logs of workspaces."""

import json
import shutil
from pathlib import Path

import pytest

from lineage import adoption, events, record
from lineage.verify import verification
from tasks.runtime.files import sha256
from tests.unit.lineage import small


@pytest.fixture
def root(small_project: Path, tmp_path: Path) -> Path:
    """Return a project whose runs are in the log of a workspace."""
    folder = shutil.copytree(small_project, tmp_path / "project")
    workspace = folder / ".leaderboard" / "mn_sam"
    workspace.mkdir(parents=True)
    shutil.move(folder / ".lineage", workspace / ".lineage")
    return folder


def test_a_run_of_a_workspace_is_adopted_once(root):
    for _ in range(2):
        adoption.adopt_from_workspaces(root, "evaluate")
    start, end = events.read(root)
    assert (start["event"], end["event"], end["start"]) == ("start", "end", start["hash"])
    assert end["record"] == sha256(root / record.path_of("evaluate"))
    there = events.read(root / ".leaderboard" / "mn_sam")
    assert [start["adopted"]["hash"], end["adopted"]["hash"]] == [entry["hash"] for entry in there[-2:]]
    assert events.check(root) == []


def test_a_broken_log_is_not_adopted_from(root):
    log = root / ".leaderboard" / "mn_sam" / events.LOG
    lines = log.read_text().splitlines()
    log.write_text("\n".join([json.dumps(json.loads(lines[0]) | {"user": "eve"}), *lines[1:]]) + "\n")
    adoption.adopt_from_workspaces(root, "evaluate")
    assert events.read(root) == []


def test_a_record_of_a_workspace_is_a_note_once_dvc_lock_names_it(root):
    adoption.adopt_from_workspaces(root, "download")
    found = [finding for finding in verification.verify(root).findings if finding.kind.startswith("record-")]
    assert {(finding.kind, finding.severity) for finding in found} == {("record-changed", "error")}
    small.lock(root)  # only what dvc.lock names, too, is believed to have come from there
    found = [finding for finding in verification.verify(root).findings if finding.kind.startswith("record-")]
    assert {(finding.kind, finding.severity) for finding in found} == {("record-elsewhere", "note")}
    assert str(record.path_of("download")) not in [finding.where for finding in found]


def test_a_graph_without_records_adopts_nothing(tmp_path):
    adoption.adopt_from_workspaces(tmp_path, "first")
    assert events.read(tmp_path) == []
