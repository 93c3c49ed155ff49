"""An answer as a page: the graph to click through, with all that is known of each box; one file, no network."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from lineage.render.layout import layers
from lineage.render.mermaid import FILLS
from lineage.render.tree import summary
from lineage.render.view import ASIDE, Box, View, fold
from lineage.trace.nodes import Trace

TEMPLATE = Path(__file__).with_name("page.html")
WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 216, 62, 20, 44, 16  # pixels
LETTERS, LINES = 31, 3  # of a line in a box, and how many


def render(trace: Trace) -> str:
    """Return a page in HTML that needs nothing but itself."""
    view = fold(trace)
    aside = {node.name: node.facts for node in trace.of("stage")}
    data = {
        "root": view.root,
        "boxes": {box.id: _facts(box) for box in view.boxes.values()},
        "arrows": [[arrow.cause, arrow.effect, arrow.how] for arrow in view.arrows],
        "stages": aside,
        "behind": {
            node.name: [
                edge.cause for edge in trace.edges if edge.effect == node.id and not edge.cause.startswith("stage:")
            ]
            for node in trace.of("stage")
        },
        "aside": {node.id: {"label": node.label, "facts": node.facts} for node in trace.of(*ASIDE[1:])},
        "reruns": [[rerun.stage, rerun.why, rerun.learned] for rerun in trace.reruns],
    }
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in trace.notes)
    filled = {
        "title": escape(trace.question),
        "summary": escape(("what made it: " if view.backward else "what it influenced: ") + summary(trace)),
        "notes": notes,
        "graph": _svg(view),
        # A closing tag within a text would end the script.
        "data": json.dumps(data, ensure_ascii=False).replace("</", "<\\/"),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in filled.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def _facts(box: Box) -> dict[str, Any]:
    members = [{"name": node.name, "label": node.label, "facts": node.facts} for node in box.members]
    return {"label": box.label, "kind": box.kind, "made_by": box.made_by, "members": members}


def _svg(view: View) -> str:
    """Return the graph with what was asked about at its top."""
    steps = [(arrow.effect, arrow.cause) if view.backward else (arrow.cause, arrow.effect) for arrow in view.arrows]
    placed = layers(view.boxes, steps)
    widest = max(map(len, placed)) * (WIDTH + ACROSS) - ACROSS
    at: dict[str, tuple[float, float]] = {}
    for layer, boxes in enumerate(placed):
        left = MARGIN + (widest - len(boxes) * (WIDTH + ACROSS) + ACROSS) / 2
        for place, box in enumerate(boxes):
            at[box] = left + place * (WIDTH + ACROSS), MARGIN + layer * (HEIGHT + DOWN)
    width, height = 2 * MARGIN + widest, 2 * MARGIN + len(placed) * (HEIGHT + DOWN) - DOWN
    parts = [
        f'<svg viewBox="0 0 {width:g} {height:g}" style="width:{width:g}px">'
        '<marker id=head viewBox="0 0 8 8" refX=8 refY=4 markerWidth=7 markerHeight=7 orient=auto>'
        '<path d="M0 0L8 4L0 8z" fill="context-stroke"/></marker>'
    ]
    for arrow in view.arrows:
        (x1, y1), (x2, y2) = at[arrow.cause], at[arrow.effect]
        y1, y2 = (y1, y2 + HEIGHT) if view.backward else (y1 + HEIGHT, y2)
        bend = (y2 - y1) / 2
        x1, x2 = x1 + WIDTH / 2, x2 + WIDTH / 2
        parts.append(
            f'<path class=arrow data-cause="{escape(arrow.cause)}" data-effect="{escape(arrow.effect)}" '
            f'd="M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"/>'
        )
    parts += [_box(view.boxes[box], x, y, box == view.root) for box, (x, y) in at.items()]
    return "".join([*parts, "</svg>"])


def _box(box: Box, x: float, y: float, root: bool) -> str:
    lines = _lines(box.label)
    texts = "".join(
        f'<text x="{x + 10:g}" y="{y + HEIGHT / 2 + 4 + (number - (len(lines) - 1) / 2) * 16:g}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    more = f'<rect class=more x="{x + 4:g}" y="{y + 4:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    return (
        f'<g class="box{" root" if root else ""}" tabindex=0 data-id="{escape(box.id)}" '
        f'style="--fill:{FILLS[box.kind]}"><title>{escape(box.label)}</title>{more if len(box.members) > 1 else ""}'
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>{texts}</g>'
    )


def _lines(label: str) -> list[str]:
    """Return a label in at most three lines, cut where it is longer."""
    lines: list[str] = []
    rest = label
    while len(rest) > LETTERS and len(lines) < LINES - 1:
        cut = 1 + max(rest.rfind(sign, 0, LETTERS) for sign in " /_")
        cut = cut if cut > LETTERS // 2 else LETTERS
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:]
    return [*lines, rest if len(rest) <= LETTERS else f"{rest[: LETTERS - 1]}…"]
