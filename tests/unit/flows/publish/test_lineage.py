from __future__ import annotations

import re

from flows.graph import Stage
from flows.publish import lineage
from tests.unit.flows.publish.rendered import cells

STAGES = (
    Stage("raw", (), ("data/raw",), ()),
    Stage("cut", ("raw",), ("data/cycles",), (), deps=("tasks/cut.py", "data/raw")),
    Stage("train@a", ("cut", "raw"), ("data/models/a",), (), deps=("data/cycles", "data/raw")),
    Stage("judge", ("train@a",), ("scores.json",), (), deps=("data/models",)),
    Stage("apart", (), ("x",), ()),
)
OUTCOME = {"raw": "up to date", "cut": "ran", "train@a": "failed", "judge": "not run"}
LOCK = """\
schema: '2.0'
stages:
  raw: {cmd: x, outs: [{path: data/raw, md5: 0123456789abcdef.dir}]}
  train@a: {cmd: x, outs: [{path: data/models/a, md5: fedcba9876543210.dir}]}
"""


def test_the_diagram_shows_each_stage_its_state_and_the_arrows_that_others_do_not_imply():
    lines = [line.strip() for line in lineage.diagram(STAGES[:4], OUTCOME).splitlines()]
    nodes = dict(re.match(r'(\w+)\["(.*?)<br/>', line).groups() for line in lines if "[" in line)
    assert list(nodes.values()) == ["raw", "cut", "train@a", "judge"]
    arrows = [tuple(nodes[name] for name in line.split(" --> ")) for line in lines if "-->" in line]
    assert arrows == [("raw", "cut"), ("cut", "train@a"), ("train@a", "judge")]
    assert [line.split("<br/>")[1] for line in lines if "[" in line] == [
        '= up to date"]:::up_to_date',
        '✓ ran"]:::ran',
        '✗ failed"]:::failed',
        '– not run"]:::not_run',
    ]
    assert {line.split()[1] for line in lines if line.startswith("classDef")} == {
        word.replace(" ", "_") for word in OUTCOME.values()
    }


def test_the_table_lists_inputs_and_outs_with_versions_of_finished_stages(tmp_path):
    (tmp_path / "dvc.lock").write_text(LOCK)
    text = lineage.show(STAGES, OUTCOME, lineage.versions(tmp_path))
    assert lineage.headline(OUTCOME) == "1 ran, 1 up to date, 1 failed, 1 not run."
    assert cells(text)[1:] == [
        ["raw", "", "data/raw 01234567"],
        ["cut", "data/raw", "data/cycles"],
        ["train@a", "data/cycles\ndata/raw", "data/models/a"],
        ["judge", "data/models", "scores.json"],
    ]
