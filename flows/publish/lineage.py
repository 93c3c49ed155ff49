"""Plan and graph of a run as Markdown: stages, their outcomes, and the versions of their outs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from flows.graph import Stage
from flows.plan import Step
from flows.publish import markdown
from lineage import dvc_storage

# Sign, and fill, border and text colours for light and dark pages, by outcome.
STATES = {
    "ran": ("✓", "fill:#1f8a4c,stroke:#14633a,color:#ffffff"),
    "up to date": ("=", "fill:#dbe7f3,stroke:#6f8fb3,color:#10233a"),
    "failed": ("✗", "fill:#c62f3b,stroke:#8d1b25,color:#ffffff"),
    "not run": ("–", "fill:#f4f4f5,stroke:#8b8b93,color:#3f3f46,stroke-dasharray:4 3"),
}
DONE = ("ran", "up to date")
HASH_LENGTH = 8  # digits of a version that are shown, as Git does
REASONS = 4  # shown in a row; `breathline plan --json` has all


def plan_headline(steps: Sequence[Step]) -> str:
    """Return the number of stages that run, in words."""
    running = sum(step.runs for step in steps)
    return f"{running} of {len(steps)} stages run." if running else f"All {len(steps)} stages are up to date."


def plan_table(steps: Sequence[Step]) -> str:
    """Return a table of the stages: whether they run, and why."""
    rows = [
        [
            markdown.code(step.stage),
            markdown.unbroken("▶ **runs**" if step.runs else "✓ up to date"),
            markdown.lines([markdown.text(reason) for reason in step.reasons], REASONS),
        ]
        for step in steps
    ]
    return markdown.table(["stage", "plan", "why"], rows) + "\n"


def versions(root: Path) -> dict[str, str]:
    """Return the hash of each out in `dvc.lock`, by path."""
    path = root / "dvc.lock"
    if not path.is_file():
        return {}
    outs = (out for stage in dvc_storage.read_lock(path).values() for out in stage.get("outs", ()))
    return {out["path"]: out["md5"] for out in outs if "md5" in out}


def headline(outcome: Mapping[str, str]) -> str:
    """Return the number of stages for each outcome, in words."""
    counts = Counter(outcome.values())
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state]) + "."


def show(stages: Sequence[Stage], outcome: Mapping[str, str], hashes: Mapping[str, str]) -> str:
    """Return the graph as a Mermaid diagram, and a table of the data that each stage reads and makes.

    Stages are in topological order; those without an outcome are left out. The hashes are those of `versions`.
    """
    shown = [stage for stage in stages if stage.name in outcome]
    made = {out for stage in stages for out in stage.outs}
    rows = [
        # A stage that did not finish has hashes of an earlier run in dvc.lock: they are not shown.
        [
            markdown.code(stage.name),
            _paths(_read(stage, made)),
            _paths(stage.outs, hashes if outcome[stage.name] in DONE else {}),
        ]
        for stage in shown
    ]
    table = markdown.table(["stage", "reads", "makes"], rows)
    return f"```mermaid\n{diagram(shown, outcome)}\n```\n\n{table}\n"


def diagram(stages: Sequence[Stage], outcome: Mapping[str, str]) -> str:
    """Return a Mermaid flowchart of the transitive reduction: an arrow is left out if a longer path implies it."""
    ids = {stage.name: f"s{index}" for index, stage in enumerate(stages)}
    nodes, arrows = [], []
    ancestors: dict[str, set[str]] = {}
    for stage in stages:
        direct = [name for name in stage.upstream if name in ids]
        ancestors[stage.name] = set(direct).union(*(ancestors[name] for name in direct))
        state = outcome[stage.name]
        nodes.append(f'  {ids[stage.name]}["{stage.name}<br/>{STATES[state][0]} {state}"]:::{_class(state)}')
        implied = set().union(*(ancestors[name] for name in direct))
        arrows += [f"  {ids[name]} --> {ids[stage.name]}" for name in direct if name not in implied]
    used = [state for state in STATES if state in outcome.values()]
    styles = [f"  classDef {_class(state)} {STATES[state][1]}" for state in used]
    return "\n".join(["flowchart TD", *nodes, *arrows, *styles])


def _class(state: str) -> str:
    return state.replace(" ", "_")


def _read(stage: Stage, made: set[str]) -> list[str]:
    """Return the deps of a stage that are data, not code."""
    return [dep for dep in stage.deps if dep in made or any(out.startswith(f"{dep}/") for out in made)]


def _paths(paths: Sequence[str], hashes: Mapping[str, str] = MappingProxyType({})) -> str:
    return "<br>".join(f"{markdown.code(path)} {hashes.get(path, '')[:HASH_LENGTH]}".rstrip() for path in paths)
