"""Tree of a trace in the terminal: short by default, with every name and hash on request."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from lineage.render.view import KINDS, MOST, Box, View, fold
from lineage.trace.provenance_graph import Node, Trace
from tasks.runtime.words import counted

HASHES = ("sha256", "content", "audio_sha256", "file_sha256")


def show(trace: Trace, console: Console, *, everything: bool = False) -> None:
    """Print a trace; with every node, whole hashes, parameters and modules if `everything` is set."""
    view = fold(trace, most=None if everything else MOST)
    words = "what made it" if view.backward else "what it influenced"
    console.print(f"\n[bold]{escape(trace.question)}[/] · {words}: {summary(trace)}")
    for note in trace.notes:
        console.print(f"[yellow]note:[/] {escape(note)}")
    console.print()
    root = view.boxes[view.root]
    grown = Tree(_line(root, "", everything))
    _grow(grown, root, view, {root.id}, everything)
    console.print(grown)
    if trace.nodes_of("stage"):
        console.print()
        _stages(trace, console, everything)
    if trace.reruns:
        console.print()
        console.print(_reruns(trace))
    if not everything:
        console.print("\n[dim]--all: every name, hash, parameter and module · --json, --mermaid, --html FILE[/]")


def summary(trace: Trace) -> str:
    """Return the numbers of recordings, patients, models, cycles, predictions and stages of a trace."""
    kinds = ("recording", "patient", "weights", "cycle", "prediction", "stage")
    numbers = {"model" if kind == "weights" else kind: len(trace.nodes_of(kind)) for kind in kinds}
    return ", ".join(counted(number, noun) for noun, number in numbers.items() if number) or "nothing"


def _grow(tree: Tree, box: Box, view: View, seen: set[str], everything: bool) -> None:
    """Add the boxes that lead to a box; a box that is already in the tree is only named."""
    repeated: dict[str, list[str]] = {}
    for child, how in view.next_boxes(box.id):
        if child.id in seen:
            name = child.label.partition(": ")[0]
            repeated.setdefault(_how(how), []).append(f"[{KINDS[child.kind]['colour']}]{escape(name)}[/]")
            continue
        seen.add(child.id)
        _grow(tree.add(_line(child, how, everything)), child, view, seen, everything)
    if repeated:
        tree.add("[dim]above:[/] " + "; ".join(f"{how}{', '.join(names)}" for how, names in repeated.items()))


def _line(box: Box, how: str, everything: bool) -> str:
    text = f"{_how(how)}[{KINDS[box.kind]['colour']}]{escape(box.label)}[/]"
    if len(box.members) > 1:
        names = [node.name for node in box.members]
        more = " …" if len(names) > MOST else ""
        return f"{text} [dim]{escape(', '.join(names[:MOST]))}{more}[/]"
    details = "\n".join(_details(box.members[0], everything))
    return f"{text}\n[dim]{escape(details)}[/]" if details else text


def _how(how: str) -> str:
    return f"[italic]{escape(how)}[/] · " if how else ""


def _details(node: Node, everything: bool) -> Iterator[str]:
    """Yield lines about a node: values, a text, a path, hashes."""
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
    """Print the stages in the order in which they ran; code and environment that all share are in the title."""
    nodes = sorted(trace.nodes_of("stage"), key=lambda node: str((node.facts.get("run") or {}).get("at", "")))
    inputs = {(edge.effect, edge.cause.partition(":")[0]): trace.nodes[edge.cause].label for edge in trace.edges}
    shared = [
        labels.pop()
        for kind in ("code", "environment")
        if len(labels := {inputs.get((node.id, kind), "unknown") for node in nodes}) == 1
    ]
    title = f"made by{': ' if shared else ''}{', '.join(shared)}"
    table = Table(box=None, pad_edge=False, header_style="bold", title=escape(title), title_justify="left")
    differing = [kind for kind in ("code", "environment") if inputs.get((nodes[0].id, kind), "unknown") not in shared]
    for column in ("stage", "seeds", "modules", "run", *differing):
        table.add_column(column, no_wrap=column in ("stage", "modules"))
    for node in nodes:
        run = node.facts.get("run") or {}
        when = f"{run['at'][:16].replace('T', ' ')} by {run['user']} on {run['host']}" if run else "no event names it"
        code = str(len(node.facts.get("modules", ())))
        table.add_row(
            node.name, _seeds(node), code, when, *(inputs.get((node.id, kind), "unknown") for kind in differing)
        )
    console.print(table)
    if everything:
        for node in [*nodes, *trace.nodes_of("code", "environment")]:
            console.print(f"\n[bold]{escape(node.label)}[/]")
            for key, value in node.facts.items():
                lines = (
                    [f"  {name}: {_short(one)}" for name, one in value.items()] if isinstance(value, Mapping) else []
                )
                console.print(escape("\n".join([f"{key}:", *lines] if lines else [f"{key}: {_short(value)}"])))


def _seeds(node: Node) -> str:
    """Return the seeds of a stage; seeds of teachers only for the stages that train them."""
    of_teachers = not node.name.startswith("train_teacher@")
    seeds = {
        key.rpartition(".")[0] or key: value
        for key, value in node.facts.get("seeds", {}).items()
        if not (of_teachers and key.startswith("teachers."))
    }
    return ", ".join(f"{key.removeprefix('teachers.')} {value}" for key, value in seeds.items())


def _reruns(trace: Trace) -> Table:
    title = "without it these stages run again; models that have learned from it must be trained again"
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
    for column in ("stage", "learned", "why"):
        table.add_column(column, no_wrap=column != "why")
    for rerun in trace.reruns:
        table.add_row(rerun.stage, "[red]yes[/]" if rerun.learned else "no", escape(rerun.why))
    return table
