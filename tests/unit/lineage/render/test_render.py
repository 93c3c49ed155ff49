"""Tree, flowchart and page of a trace."""

import json
import re
from io import StringIO

import hypothesis.strategies as st
import pytest
from hypothesis import given
from rich.console import Console

from lineage.render import mermaid, page, tree
from lineage.render.layout import layers
from lineage.render.view import fold
from lineage.trace.provenance_graph import MADE_BY, Edge, Node, Rerun, Trace

RUN = {"seeds": {"seed": 3}, "run": None}


def example(recordings=5, question="score"):
    """A metric of a model of some recordings of one patient, and one more recording on the other side."""
    names = [f"r{number}" for number in range(recordings)]
    facts = {"wav": {"sha256": "a" * 64}, "annotation": {"sha256": "b" * 64}}
    nodes = [
        Node("metric:score", "score = 50", {"value": 50.0}),
        Node("weights:student/1/val", "student/1, val: seed 1", {"path": "data/x", "sha256": "c" * 64}),
        *(Node(f"recording:{name}", f"recording {name}", facts, "train") for name in names),
        Node("recording:other", 'recording "other" <i>', facts, "test"),
        Node("patient:7", "patient 7", {}),
        Node("stage:train", "train", {"modules": {"tasks/train.py": "d" * 64}, **RUN}, "stages"),
        Node("code:1", "commit 1", {"commit": "1", "diff": "</script><script>alert(1)</script>"}),
        Node("environment:2", "Python 3", {"packages": {"numpy": "2"}}),
    ]
    edges = [
        Edge("weights:student/1/val", "metric:score", "predicted"),
        Edge("recording:other", "metric:score", "judged on"),
        *(Edge(f"recording:{name}", "weights:student/1/val", "learned from") for name in names),
        *(Edge("patient:7", f"recording:{name}", "was recorded") for name in names),
        Edge("stage:train", "weights:student/1/val", MADE_BY),
        Edge("code:1", "stage:train", "ran"),
        Edge("environment:2", "stage:train", "ran in"),
    ]
    return Trace(question, "backward", "metric:score", {node.id: node for node in nodes}, tuple(edges), ("beware",))


def printed(trace, **options):
    console = Console(width=100, record=True, highlight=False, file=StringIO())
    tree.show(trace, console, **options)
    return console.export_text()


def test_similar_nodes_share_a_box():
    view = fold(example())
    boxes = "metric:score weights:student/1/val recording*train recording:other patient:7"
    assert list(view.boxes) == boxes.split()
    box = view.boxes["recording*train"]
    assert (box.label, len(box.members)) == ("5 recordings (train)", 5)
    assert [(arrow.cause, arrow.effect) for arrow in view.arrows].count(("patient:7", box.id)) == 1
    assert view.boxes["weights:student/1/val"].made_by == ("train",)
    assert "recording:r2" in fold(example(3)).boxes
    assert "recording:r4" in fold(example(), most=None).boxes


def test_the_tree_is_short_or_complete():
    short, whole = printed(example()), printed(example(), everything=True)
    assert "5 recordings (train) r0, r1, r2 …" in short
    assert "r4" not in short
    assert "beware" in short
    assert "made by: commit 1, Python 3" in short
    assert re.search(r"train +seed 3 +1 +no event names it", short)
    assert all(f"recording r{number}" in whole for number in range(5))
    assert "d" * 64 in whole
    assert "numpy: 2" in whole
    assert whole.count("wav: ") == 6


def test_the_tree_of_an_influence_lists_the_stages_that_run_again():
    trace = example()
    reruns = (
        Rerun("train", "cycles of train: learned from", learned=True),
        Rerun("fbank", "holds features", learned=False),
    )
    turned = Trace("patient:7", "forward", "patient:7", trace.nodes, trace.edges, (), reruns)
    text = printed(turned)
    assert re.search(r"train +yes +cycles of train: learned from", text)
    assert re.search(r"fbank +no +holds features", text)
    assert text.index("patient 7\n") < text.index("5 recordings") < text.index("student/1") < text.index("score = 50")


def test_the_trace_of_a_stage_shows_the_stages_before_it():
    nodes = [Node(f"stage:{name}", name, {}, "stages") for name in ("d", "a", "b", "c", "e")]
    edges = [Edge(node.id, "stage:d", "made its inputs") for node in nodes[1:]]
    trace = Trace("d", "backward", "stage:d", {node.id: node for node in nodes}, tuple(edges))
    assert list(fold(trace).boxes) == [node.id for node in nodes]
    assert "made its inputs · b" in printed(trace)
    assert ":::stage" in mermaid.render(trace)
    assert 'data-id="stage:b"' in page.render(trace)


def test_the_flowchart_names_every_box_and_escapes_characters():
    chart = mermaid.render(example())
    assert chart.startswith("flowchart LR\n")
    names = dict(re.findall(r'^  (n\d+)\["(.*)"\]:::\w+$', chart, re.MULTILINE))
    assert len(names) == 5
    assert "#quot;other#quot; #lt;i#gt;" in " ".join(names.values())
    arrows = re.findall(r'^  (n\d+) -->(?:\|"[^"]*"\|)? (n\d+)$', chart, re.MULTILINE)
    assert len(arrows) == 4
    assert {end for ends in arrows for end in ends} == set(names)
    kinds = {re.match(r"  classDef (\w+)", line)[1] for line in chart.splitlines() if "classDef" in line}
    assert kinds == set(re.findall(r":::(\w+)", chart))


def test_the_page_stands_alone_and_holds_all_facts():
    text = page.render(example(question="<b>score"))
    assert "{{" not in text
    assert "<b>score" not in text
    assert not re.search(r"""(src|href)=|url\((?!#)|https?:|@import""", text)
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert [one["name"] for one in data["boxes"]["recording*train"]["members"]] == [f"r{number}" for number in range(5)]
    assert data["aside"]["code:1"]["facts"]["diff"] == "</script><script>alert(1)</script>"
    assert data["inputs"]["train"] == ["code:1", "environment:2"]
    drawn = set(re.findall(r'<g class="box[^"]*"[^>]*data-id="([^"]*)"', text))
    assert drawn == set(data["boxes"])
    assert text.count("class=arrow data-cause") == len(data["arrows"]) == 4


@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40))
def test_each_step_leads_to_a_later_layer(pairs):
    steps = [(str(min(pair)), str(max(pair))) for pair in pairs if pair[0] != pair[1]]
    boxes = [str(number) for number in range(13)]
    placed = layers(boxes, steps)
    assert sorted(box for layer in placed for box in layer) == sorted(boxes)
    level = {box: number for number, layer in enumerate(placed) for box in layer}
    assert all(level[one] < level[other] for one, other in steps)


def test_avoidable_crossings_are_avoided():
    placed = layers(["a", "b", "c", "x", "y", "z"], [("a", "z"), ("b", "y"), ("c", "x")])
    assert placed[1] == [{"a": "z", "b": "y", "c": "x"}[box] for box in placed[0]]


@pytest.mark.parametrize(
    "label", ["short", "a label of several words that is longer", "x" * 120, "a/path/of/parts/features.npy"]
)
def test_labels_fit_into_their_boxes(label):
    lines = page._lines(label)
    assert len(lines) <= 3
    assert all(len(line) <= page.LINE_LENGTH for line in lines)
    assert "".join(lines).rstrip("…").replace(" ", "") in label.replace(" ", "")


def test_the_share_of_a_patient_in_a_model_label_is_not_cut():
    label = "teacher/ast_s1, val: seed 1, epoch 12, never learned from patient 101"
    assert " ".join(page._lines(label)) == label
