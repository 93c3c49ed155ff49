"""An answer as a tree in the terminal: short by default, with every name and hash if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from lineage.render.view import MOST, Box, View, fold
from lineage.trace.provenance_graph import Node, Trace

COLOURS = {
    "metric": "bold green",
    "figures": "green",
    "reports": "green",
    "predictions": "green",
    "prediction": "green",
    "row": "bold green",
    "model": "bold magenta",
    "weights": "magenta",
    "initial": "magenta",
    "soft_labels": "yellow",
    "soft_label": "yellow",
    "set": "cyan",
    "fbank": "cyan",
    "cycle": "cyan",
    "samples": "blue",
    "annotation": "blue",
    "recording": "blue",
    "patient": "red",
    "source": "blue",
    "stage": "bold",
}
HASHES = ("sha256", "content", "audio_sha256", "file_sha256")


def show(trace: Trace, console: Console, *, everything: bool = False) -> None:
    """Print an answer.

    Args:
        trace: The answer.
        console: Where to.
        everything: Every node by itself, whole hashes, parameters and modules.
    """
    view = fold(trace, most=None if everything else MOST)
    words = "what made it" if view.backward else "what it influenced"
    console.print(f"\n[bold]{escape(trace.question)}[/] · {words}: {summary(trace)}")
    for note in trace.notes:
        console.print(f"[yellow]note:[/] {escape(note)}")
    console.print()
    console.print(_tree(view, everything))
    if trace.of("stage"):
        console.print()
        _stages(trace, console, everything)
    if trace.reruns:
        console.print()
        console.print(_reruns(trace))
    if not everything:
        console.print("\n[dim]--all: every name, hash, parameter and module · --json, --mermaid, --html FILE[/]")


def summary(trace: Trace) -> str:
    """Return how much there is of what auditors ask first."""
    counted = (
        (len(trace.of("recording")), "recording"),
        (len(trace.of("patient")), "patient"),
        (len(trace.of("weights")), "model"),
        (len(trace.of("cycle")), "cycle"),
        (len(trace.of("prediction")), "prediction"),
        (len(trace.of("stage")), "stage"),
    )
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counted if count) or "nothing"


def _tree(view: View, everything: bool) -> Tree:
    root = view.boxes[view.root]
    tree = Tree(_line(root, "", everything))
    _grow(tree, root, view, {root.id}, everything)
    return tree


def _grow(tree: Tree, box: Box, view: View, seen: set[str], everything: bool) -> None:
    told: dict[str, list[str]] = {}
    for further, how in view.further(box.id):
        if further.id in seen:
            name = further.label.partition(":")[0]
            told.setdefault(_how(how), []).append(f"[{COLOURS[further.kind]}]{escape(name)}[/]")
            continue
        seen.add(further.id)
        _grow(tree.add(_line(further, how, everything)), further, view, seen, everything)
    if told:
        tree.add("[dim]above:[/] " + "; ".join(f"{how}{', '.join(names)}" for how, names in told.items()))


def _line(box: Box, how: str, everything: bool) -> str:
    text = f"{_how(how)}[{COLOURS[box.kind]}]{escape(box.label)}[/]"
    if len(box.members) > 1:
        names = [node.name for node in box.members]
        more = " …" if len(names) > MOST else ""
        return f"{text} [dim]{escape(', '.join(names[:MOST]))}{more}[/]"
    details = "\n".join(_details(box.members[0], everything))
    return f"{text}\n[dim]{escape(details)}[/]" if details else text


def _how(how: str) -> str:
    return f"[italic]{escape(how)}[/] · " if how else ""


def _details(node: Node, everything: bool) -> Iterator[str]:
    """Yield what is worth a line of its own: a place, a text, hashes."""
    facts = node.facts
    if everything:
        yield from (f"{key}: {_short(value)}" for key, value in facts.items() if value not in (None, "", [], {}))
        return
    if node.kind == "figures" and (found := facts["figures"]):
        yield ", ".join(
            f"{key} {value['mean'] if isinstance(value, Mapping) else value}" for key, value in found.items()
        )
    if node.kind == "annotation" and facts["text"]:
        yield " ".join(facts["text"].split())
    if node.kind == "fbank" and "bytes" in facts:
        yield f"bytes {facts['bytes'][0]}–{facts['bytes'][1] - 1}, {' × '.join(map(str, facts['shape']))}"
    if node.kind == "set":
        yield f"{facts['labels']}, split {facts['split']}, validation seed {facts['validation']['seed']}"
    if node.kind == "recording":
        yield f"wav {facts['wav']['sha256'][:12]}…, annotation {facts['annotation']['sha256'][:12]}…"
    hashes = [f"{key} {facts[key][:12]}…" for key in HASHES if facts.get(key)]
    where = [str(facts["path"])] if node.kind in ("weights", "soft_labels", "predictions") else []
    if (where or hashes) and node.kind not in ("figures", "metric"):
        yield ", ".join([*where, *hashes[:1]])


def _short(value: Any, most: int = 2000) -> str:
    text = str(value)
    return text if len(text) <= most else f"{text[:most]} … ({len(text)} characters; --json has all)"


def _stages(trace: Trace, console: Console, everything: bool) -> None:
    """Print which stages made it all, in the order in which they ran; what all share is said once."""
    nodes = sorted(trace.of("stage"), key=lambda node: str((node.facts.get("run") or {}).get("at", "")))
    behind = {(edge.effect, edge.cause.partition(":")[0]): trace.nodes[edge.cause].label for edge in trace.edges}
    shared = [
        labels.pop()
        for kind in ("code", "environment")
        if len(labels := {behind.get((node.id, kind), "unknown") for node in nodes}) == 1
    ]
    title = f"made by{': ' if shared else ''}{', '.join(shared)}"
    table = Table(box=None, pad_edge=False, header_style="bold", title=escape(title), title_justify="left")
    apart = [kind for kind in ("code", "environment") if behind.get((nodes[0].id, kind), "unknown") not in shared]
    for column in ("stage", "seeds", "modules", "run", *apart):
        table.add_column(column, no_wrap=column in ("stage", "modules"))
    for node in nodes:
        run = node.facts.get("run") or {}
        when = f"{run['at'][:16].replace('T', ' ')} by {run['user']} on {run['host']}" if run else "no event names it"
        code = str(len(node.facts.get("modules", ())))
        table.add_row(node.name, _seeds(node), code, when, *(behind.get((node.id, kind), "unknown") for kind in apart))
    console.print(table)
    if everything:
        for node in [*nodes, *trace.of("code", "environment")]:
            console.print(f"\n[bold]{escape(node.label)}[/]")
            for key, value in node.facts.items():
                lines = (
                    [f"  {name}: {_short(one)}" for name, one in value.items()] if isinstance(value, Mapping) else []
                )
                console.print(escape("\n".join([f"{key}:", *lines] if lines else [f"{key}: {_short(value)}"])))


def _seeds(node: Node) -> str:
    """Return a stage's seeds; those of teachers are told with the teachers."""
    of_teachers = not node.name.startswith("train_teacher@")
    seeds = {
        key.rpartition(".")[0] or key: value
        for key, value in node.facts.get("seeds", {}).items()
        if not (of_teachers and key.startswith("teachers."))
    }
    return ", ".join(f"{key.removeprefix('teachers.')} {value}" for key, value in seeds.items())


def _reruns(trace: Trace) -> Table:
    title = "without it these stages run anew; what has learned from it must be trained anew"
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for column in ("stage", "learned", "why"):
        table.add_column(column, no_wrap=column != "why")
    for rerun in trace.reruns:
        table.add_row(rerun.stage, "[red]yes[/]" if rerun.learned else "no", escape(rerun.why))
    return table
