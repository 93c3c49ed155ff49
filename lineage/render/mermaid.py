"""Mermaid flowchart of a trace (mermaid.js.org/syntax/flowchart.html), as GitHub and GitLab draw it."""

from lineage.render.view import KINDS, fold
from lineage.trace.provenance_graph import Trace


def render(trace: Trace) -> str:
    """Return a flowchart from causes to effects; similar nodes share a box."""
    view = fold(trace)
    short = {box: f"n{number}" for number, box in enumerate(view.boxes)}
    lines = ["flowchart LR"]
    for box in view.boxes.values():
        made = f"<br/><i>{_text(', '.join(box.made_by))}</i>" if box.made_by else ""
        lines.append(f'  {short[box.id]}["{_text(box.label)}{made}"]:::{box.kind}')
    for arrow in view.arrows:
        how = f'|"{_text(arrow.how)}"|' if arrow.how else ""
        lines.append(f"  {short[arrow.cause]} -->{how} {short[arrow.effect]}")
    kinds = dict.fromkeys(box.kind for box in view.boxes.values())
    lines += [f"  classDef {kind} fill:{KINDS[kind]['fill']},stroke:#666,color:#111" for kind in kinds]
    lines.append(f"  style {short[view.root]} stroke-width:3px")
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Return a text with the characters that end a label written as Mermaid's entity codes."""
    codes = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "#": "#35;"}
    return "".join(codes.get(letter, letter) for letter in text)
