"""Interactive HTML page of a trace: its graph and all facts of each box, in one file that loads nothing else."""

from typing import Any

from lineage.render.layout import layers
from lineage.render.tree import summary
from lineage.render.view import ASIDE, KINDS, Arrow, Box, View, fold
from lineage.trace.provenance_graph import Trace
from tasks.runtime import templates

WIDTH, HEIGHT, COLUMN_GAP, ROW_GAP, MARGIN = 216, 62, 20, 44, 16  # pixels
LINE_LENGTH, MAX_LINES = 31, 3  # characters of a line of a label, and lines of a label


def render(trace: Trace) -> str:
    """Return the page of a trace."""
    view = fold(trace)
    data = {
        "root": view.root,
        "boxes": {box.id: _facts(box) for box in view.boxes.values()},
        "arrows": [[arrow.cause, arrow.effect, arrow.how] for arrow in view.arrows],
        "stages": {node.name: node.facts for node in trace.nodes_of("stage")},
        "inputs": {
            node.name: [
                edge.cause for edge in trace.edges if edge.effect == node.id and not edge.cause.startswith("stage:")
            ]
            for node in trace.nodes_of("stage")
        },
        "aside": {node.id: {"label": node.label, "facts": node.facts} for node in trace.nodes_of(*ASIDE[1:])},
        "reruns": [[rerun.stage, rerun.why, rerun.learned] for rerun in trace.reruns],
    }
    found = ("what made it: " if view.backward else "what it influenced: ") + summary(trace)
    shown: dict[str, Any] = {
        "title": trace.question,
        "summary": found,
        "notes": trace.notes,
        "graph": _graph(view),
        "data": data,
    }
    return templates.render(__package__, "page.html.j2", **shown) + "\n"


def _facts(box: Box) -> dict[str, Any]:
    members = [{"name": node.name, "label": node.label, "facts": node.facts} for node in box.members]
    return {"label": box.label, "kind": box.kind, "made_by": box.made_by, "members": members}


def _graph(view: View) -> dict[str, Any]:
    """Return the drawing of a graph, its root at the top: sizes, arrows and boxes with their positions, in pixels."""
    steps = [(arrow.effect, arrow.cause) if view.backward else (arrow.cause, arrow.effect) for arrow in view.arrows]
    placed = layers(view.boxes, steps)
    widest = max(map(len, placed)) * (WIDTH + COLUMN_GAP) - COLUMN_GAP
    corners: dict[str, tuple[float, float]] = {}
    for layer, boxes in enumerate(placed):
        left = MARGIN + (widest - len(boxes) * (WIDTH + COLUMN_GAP) + COLUMN_GAP) / 2
        for column, box in enumerate(boxes):
            corners[box] = left + column * (WIDTH + COLUMN_GAP), MARGIN + layer * (HEIGHT + ROW_GAP)
    return {
        "size": (2 * MARGIN + widest, 2 * MARGIN + len(placed) * (HEIGHT + ROW_GAP) - ROW_GAP),
        "width": WIDTH,
        "height": HEIGHT,
        "arrows": [
            {"cause": arrow.cause, "effect": arrow.effect, "path": _path(arrow, corners, view.backward)}
            for arrow in view.arrows
        ],
        "boxes": [_box(view.boxes[box], corner, box == view.root) for box, corner in corners.items()],
    }


def _path(arrow: Arrow, corners: dict[str, tuple[float, float]], upward: bool) -> str:
    """Return an arrow as an SVG path from the edge of one box to the facing edge of the other."""
    (x1, y1), (x2, y2) = corners[arrow.cause], corners[arrow.effect]
    y1, y2 = (y1, y2 + HEIGHT) if upward else (y1 + HEIGHT, y2)
    bend = (y2 - y1) / 2
    x1, x2 = x1 + WIDTH / 2, x2 + WIDTH / 2
    return f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"


def _box(box: Box, corner: tuple[float, float], root: bool) -> dict[str, Any]:
    shown = {"id": box.id, "label": box.label, "lines": _lines(box.label), "fill": KINDS[box.kind]["fill"]}
    return shown | {"corner": corner, "root": root, "several": len(box.members) > 1}


def _lines(label: str) -> list[str]:
    """Return a label in at most `MAX_LINES` lines; a longer label ends with an ellipsis."""
    lines: list[str] = []
    rest = label
    while len(rest) > LINE_LENGTH and len(lines) < MAX_LINES - 1:
        cut = 1 + max(rest.rfind(sign, 0, LINE_LENGTH) for sign in " /_")
        cut = cut if cut > LINE_LENGTH // 2 else LINE_LENGTH
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:]
    return [*lines, rest if len(rest) <= LINE_LENGTH else f"{rest[: LINE_LENGTH - 1]}…"]
