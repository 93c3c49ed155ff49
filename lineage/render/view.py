"""An answer cut down to what fits a screen: alike nodes become one, and how things were made stands aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineage.trace.provenance_graph import MADE_BY, Node, Trace

ASIDE = ("stage", "code", "environment")  # stages only where no stage was asked about
MOST = 3  # alike nodes that are still shown one by one
SINGLE = ("weights", "set", "stage")  # always shown one by one: their seeds, and what each learned from, are asked for
PLURALS = {
    "recording": "recordings",
    "patient": "patients",
    "samples": "pieces of wav files",
    "annotation": "lines of annotation",
    "cycle": "cycles",
    "fbank": "rows of features",
    "soft_label": "soft labels",
    "prediction": "predictions",
    "predictions": "tables of predictions",
    "figures": "groups of figures",
}


@dataclass(frozen=True)
class Box:
    """A node, or several that are alike.

    Attributes:
        id: Of the node, or of kind and group.
        kind: Of all of them.
        label: A few words.
        members: The nodes.
        made_by: The stages that made them.
    """

    id: str
    kind: str
    label: str
    members: tuple[Node, ...]
    made_by: tuple[str, ...]


@dataclass(frozen=True)
class Arrow:
    """From a box to another that it influenced, with the roles in which it did."""

    cause: str
    effect: str
    how: str


@dataclass(frozen=True)
class View:
    """What is shown of an answer.

    Attributes:
        root: The id of the box that was asked about.
        backward: Whether the arrows lead towards the root.
        boxes: By id, the root first.
        arrows: Between them.
    """

    root: str
    backward: bool
    boxes: dict[str, Box]
    arrows: tuple[Arrow, ...]

    def further(self, box: str) -> list[tuple[Box, str]]:
        """Return the boxes one step away from the root, with their roles."""
        if self.backward:
            return [(self.boxes[arrow.cause], arrow.how) for arrow in self.arrows if arrow.effect == box]
        return [(self.boxes[arrow.effect], arrow.how) for arrow in self.arrows if arrow.cause == box]


def fold(trace: Trace, *, most: int | None = MOST) -> View:
    """Return a view of an answer.

    Args:
        trace: The answer.
        most: How many nodes of one kind and group are shown one by one; all of them if none.
    """
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
        # A question has one root: it stays by itself.
        alone = most is None or len(members) <= most or node.kind in SINGLE or node.id == trace.root
        if not alone:
            members = [member for member in members if member.id != trace.root]
        id_ = node.id if alone else f"{node.kind}*{node.group}"
        box_of[node.id] = id_
        if id_ not in boxes:
            boxes[id_] = _box(id_, [node] if alone else members, made)
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
    label = f"{len(members)} {PLURALS.get(kind, kind)}" + (f" ({group})" if group not in ("", kind) else "")
    return Box(id_, kind, label, tuple(sorted(members, key=lambda node: node.id)), tuple(stages))


def _how(roles: list[str]) -> str:
    """Return one text for several roles; how many cycles each recording gave is told with the recordings."""
    words = [role for role in roles if not role[:1].isdigit()]
    return ", ".join(words) if words or len(roles) != 1 else roles[0]
