"""The backfill on a toy project, with a real Prefect server, DVC and processes."""

import json
import signal

import psutil
import pytest

from tests import toy
from tests.pipeline.commands import artifact, breathline, finish, noted
from tests.toy import SCORE, commit

# A run of a toy's few stages takes 5 to 15 s (each starts DVC), and these tests make several.
# Flows that are called here use the session's server, too.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("server")]

ENDLESS = """\
stages:
  endless:
    cmd: echo $$ > PID && sleep 300 && echo > out
    params: [rho]
    outs: [out]
"""


@pytest.mark.long
def test_no_stage_of_a_workspace_outlives_the_flow(tmp_path, server):
    folder = toy.make(tmp_path / "project", ENDLESS.replace("PID", str(tmp_path / "pid")))
    process = breathline(folder, server, "backfill", "--param", "rho=0.1")
    stage = noted(tmp_path / "pid", process)
    process.send_signal(signal.SIGTERM)
    status, printed = finish(process)
    assert status != 0, printed
    assert psutil.wait_procs([stage], timeout=60)[1] == []


# `base` is the same at every revision and value; the commit v2 breaks `score`.
BACKFILL = """\
stages:
  base:
    cmd: echo base >> COUNT && echo > base.txt
    deps: [base.in]
    outs: [base.txt]
  score:
    cmd: test "$(cat src.txt)" != v2 && sh score.sh ${rho}
    deps: [src.txt, base.txt]
    params: [rho]
    metrics:
      - reports/scores.json: {cache: false}
"""


def test_a_backfill_runs_each_case_on_one_cache_and_a_failure_spoils_no_other(tmp_path):
    from flows.backfill import backfill

    folder = toy.make(tmp_path / "project", BACKFILL.replace("COUNT", str(tmp_path / "count")))
    (folder / "base.in").write_text("base\n")
    (folder / "score.sh").write_text(SCORE)
    for tag in ("v1", "v2"):
        (folder / "src.txt").write_text(f"{tag}\n")
        commit(folder, tag, tag=True)
    (folder / "src.txt").write_text("the working tree\n")

    state = backfill(revisions=["v1", "v2"], values={"rho": [0.1, 0.2]}, jobs=2, project=folder, return_state=True)
    assert state.is_failed()
    assert [part.split()[0] for part in state.message.removeprefix("Failed: ").split("; ")] == ["v2", "v2"]
    rows = json.loads(artifact("backfill").data)
    assert [(row["variant"].split()[0], row["student score_strict"]) for row in rows] == [("v1", 0.1), ("v1", 0.2)]
    assert (tmp_path / "count").read_text() == "base\n"
    assert (folder / "src.txt").read_text() == "the working tree\n"
    assert toy.call(folder, "git", "worktree", "list").count("\n") == 1

    assert backfill(revisions=["v1"], values={"rho": [0.1]}, project=folder, return_state=True).is_completed()
    assert (tmp_path / "count").read_text() == "base\n"
