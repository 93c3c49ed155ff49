import re

from flows.graph import Stage
from flows.plan import Step
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
    classes = [word.replace(" ", "_") for word in OUTCOME.values()]
    states = [f'{sign} {word}"]:::{name}' for sign, word, name in zip("=✓✗–", OUTCOME.values(), classes, strict=True)]
    assert [line.split("<br/>")[1] for line in lines if "[" in line] == states
    assert {line.split()[1] for line in lines if line.startswith("classDef")} == set(classes)


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


def test_every_stage_is_listed_with_its_reasons_in_escaped_markdown():
    odd = "param teachers.a.name: <b>x</b> | *_y_* `z` → [1](2) \\ ~~w~~ #3\nline"
    steps = [Step("data_x@a_b", False, (), ()), Step("b", True, (odd, "upstream data_x@a_b runs"), ("data_x@a_b",))]
    assert cells(lineage.plan_table(steps)) == [
        ["stage", "plan", "why"],
        ["data_x@a_b", "✓ up to date", ""],
        ["b", "▶ runs", odd.replace("\n", " ") + "\nupstream data_x@a_b runs"],
    ]
    assert lineage.plan_headline(steps) == "1 of 2 stages run."
    assert lineage.plan_headline(steps[:1]) == "All 1 stages are up to date."


def test_a_row_shows_the_first_reasons_and_the_number_of_others():
    step = Step("a", True, tuple(f"dep {number}: modified" for number in range(7)), ())
    assert cells(lineage.plan_table([step]))[1][2].splitlines()[3:] == ["dep 3: modified", "and 3 more"]
