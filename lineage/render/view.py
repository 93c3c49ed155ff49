"""View of a trace that fits a screen: similar nodes share a box; stages, code and environment are left out."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage.trace.provenance_graph import MADE_BY, Node, Trace

ASIDE = ("stage", "code", "environment")  # not drawn; stages are drawn if the question is about a stage
MOST = 3  # similar nodes up to this number have a box each
SINGLE = ("weights", "set", "stage")  # have a box each, whatever their number
with Path(__file__).with_name("kinds.tsv").open(encoding="utf-8") as _file:
    # Kinds of nodes: colour in the terminal, fill of a box, plural.
    KINDS = {row["kind"]: row for row in csv.DictReader(_file, delimiter="\t")}


@dataclass(frozen=True)
class Box:
    """A node, or several similar nodes."""

    id: str  # id of the node, or kind and group of the nodes
    kind: str  # kind of the nodes
    label: str
    members: tuple[Node, ...]
    made_by: tuple[str, ...]  # stages that made the nodes


@dataclass(frozen=True)
class Arrow:
    """Influence of a box on another: both ids, and the roles of the first in the second, in words."""

    cause: str
    effect: str
    how: str


@dataclass(frozen=True)
class View:
    """Boxes and arrows of a trace."""

    root: str  # id of the box of the question
    backward: bool  # whether the arrows lead towards the root
    boxes: dict[str, Box]  # boxes by id, the root first
    arrows: tuple[Arrow, ...]

    def next_boxes(self, box: str) -> list[tuple[Box, str]]:
        """Return the boxes one step further from the root than a box, with their roles."""
        if self.backward:
            return [(self.boxes[arrow.cause], arrow.how) for arrow in self.arrows if arrow.effect == box]
        return [(self.boxes[arrow.effect], arrow.how) for arrow in self.arrows if arrow.cause == box]


def fold(trace: Trace, *, most: int | None = MOST) -> View:
    """Return the view of a trace; up to `most` nodes of one kind and group have a box each, or all for None."""
    aside = ASIDE[1:] if trace.nodes[trace.root].kind == "stage" else ASIDE
    shown = [node for node in trace.nodes.values() if node.kind not in aside]
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in shown:
        groups.setdefault((node.kind, node.group), []).append(node)
    made: dict[str, list[str]] = {}
    for edge in trace.edges:
        if edge.how == MADE_BY:
            made.setdefault(edge.effect, []).append(edge.cause.partition(":")[2])
    boxes: dict[str, Box] = {}
    box_of: dict[str, str] = {}
    for node in shown:
        members = groups[node.kind, node.group]
        # The root has a box of its own.
        alone = most is None or len(members) <= most or node.kind in SINGLE or node.id == trace.root
        id_ = node.id if alone else f"{node.kind}*{node.group}"
        box_of[node.id] = id_
        if id_ not in boxes:
            others = [node] if alone else [member for member in members if member.id != trace.root]
            boxes[id_] = _box(id_, others, made)
    hows: dict[tuple[str, str], dict[str, None]] = {}
    for edge in trace.edges:
        if edge.cause in box_of and edge.effect in box_of:
            ends = box_of[edge.cause], box_of[edge.effect]
            hows.setdefault(ends, {})[edge.how] = None
    arrows = tuple(Arrow(cause, effect, _how(list(found))) for (cause, effect), found in hows.items())
    return View(trace.root, trace.direction == "backward", boxes, arrows)


def _box(id_: str, members: Sequence[Node], made: dict[str, list[str]]) -> Box:
    stages = dict.fromkeys(stage for node in members for stage in made.get(node.id, ()))
    if len(members) == 1:
        return Box(id_, members[0].kind, members[0].label, tuple(members), tuple(stages))
    kind, group = members[0].kind, members[0].group
    label = f"{len(members)} {KINDS[kind]['plural']}" + (f" ({group})" if group not in ("", kind) else "")
    return Box(id_, kind, label, tuple(sorted(members, key=lambda node: node.id)), tuple(stages))


def _how(roles: list[str]) -> str:
    """Return the text for several roles; without numbers of cycles, which the recordings show."""
    words = [role for role in roles if not role[:1].isdigit()]
    return ", ".join(words) if words or len(roles) != 1 else roles[0]
