"""Logs of workspaces with values that no stage writes."""

from types import SimpleNamespace

import pytest

from lineage import events
from lineage.verify.witnesses import Witnesses


@pytest.mark.parametrize(
    ("key", "value"), [("gpus", None), ("gpus", 3), ("gpus", ["H200"]), ("record", ["a"]), ("cpu", 7)]
)
def test_odd_values_name_no_hardware_and_stop_nothing(tmp_path, key, value):
    workspace = tmp_path / ".leaderboard/mn_sam"
    workspace.mkdir(parents=True)
    at, stage = events.now(), "train_teacher@t1"
    start = {"event": "start", "stage": stage, "at": at, "cpu": "one", "gpus": []}
    end = {"event": "end", "stage": stage, "status": "done", "at": at, "seconds": 0.0, "record": "0" * 64}
    odd = [one | ({key: value} if key in one else {}) for one in (start, end)]
    events.append(workspace, odd[1] | {"start": events.append(workspace, odd[0])})
    audited = SimpleNamespace(root=tmp_path, keys=None, events=[], earlier=None)
    assert Witnesses(audited).hardware("1" * 64) is None
    assert (Witnesses(audited).hardware("0" * 64) is None) == (key != "gpus")
