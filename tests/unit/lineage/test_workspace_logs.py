"""Logs of workspaces with values that no stage writes."""

import shutil

import pytest

from lineage import events
from lineage.verify import verification


@pytest.mark.parametrize(
    ("key", "value"), [("gpus", None), ("gpus", 3), ("gpus", ["H200"]), ("record", ["a"]), ("cpu", 7)]
)
def test_odd_values_stop_no_verification(small_run, tmp_path, key, value):
    project = shutil.copytree(small_run, tmp_path / "project", symlinks=True)
    workspace = project / ".leaderboard/mn_sam"
    workspace.mkdir(parents=True)
    at, stage = events.now(), "train_teacher@t1"
    start = {"event": "start", "stage": stage, "at": at, "cpu": "one", "gpus": []}
    end = {"event": "end", "stage": stage, "status": "done", "at": at, "seconds": 0.0, "record": "0" * 64}
    entries = [one | ({key: value} if key in one else {}) for one in (start, end)]
    first = events.append(workspace, entries[0])
    events.append(workspace, entries[1] | {"start": first})
    assert verification.verify(project).errors == []
