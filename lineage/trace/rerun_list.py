"""What would have to run anew if recordings were taken away, and why."""

from __future__ import annotations

from collections.abc import Iterable

from lineage.project import Project
from lineage.trace.catalogue import Model
from lineage.trace.project_data import RAW
from lineage.trace.provenance_graph import Edge, Node, Rerun

HOLDS = {
    "download": "holds the files",
    "extract": "holds cycles and waveforms",
    "validate": "judges the tables",
    "fbank": "holds features",
    "evaluate": "holds predictions, or judges models that change",
}


def reruns(project: Project, models: Iterable[Model], nodes: dict[str, Node], edges: tuple[Edge, ...]) -> list[Rerun]:
    """Return the stages that run anew without what a question forward began with, in the order of dvc.yaml.

    All that reads the tables of cycles runs anew, for these change. Only some of it has learned: directly, through
    soft labels, or in that the epoch was chosen.

    Args:
        project: The project.
        models: All models.
        nodes: What was influenced.
        edges: How.
    """
    stages = {model.name: model.stage for model in models}
    ways: dict[str, list[Edge]] = {}
    for edge in edges:
        if edge.effect.startswith("weights:"):
            model = edge.effect.removeprefix("weights:").rpartition("/")[0]
            ways.setdefault(stages[model], []).append(edge)
        if edge.effect.startswith("soft_labels:"):
            ways.setdefault("soft_labels", []).append(edge)
    source = project.maker(RAW)
    return (
        [] if source is None else [_rerun(name, ways.get(name, []), nodes) for name in [source, *project.after(source)]]
    )


def _rerun(stage: str, ways: list[Edge], nodes: dict[str, Node]) -> Rerun:
    causes: dict[tuple[str, str], list[Node]] = {}
    for edge in ways:
        cause = nodes[edge.cause]
        causes.setdefault((edge.how, cause.kind), []).append(cause)
    if causes:
        return Rerun(stage, "; ".join(_why(how, kind, found) for (how, kind), found in causes.items()), learned=True)
    group = stage.partition("@")[0]
    if group in ("train_teacher", "train_student", "soft_labels"):
        return Rerun(stage, "reads the table of cycles, which changes; nothing was learned of it", learned=False)
    return Rerun(stage, HOLDS.get(group, "reads what changes"), learned=False)


def _why(how: str, kind: str, causes: list[Node]) -> str:
    if kind == "set":
        return f"cycles of {', '.join(cause.name for cause in causes)}: {how}"
    if kind == "soft_label":
        return f"holds {len(causes)} soft labels of it"
    if kind == "soft_labels":
        return f"soft labels that it influenced: {how}"
    models = list(dict.fromkeys(cause.name.rpartition("/")[0] for cause in causes))
    return f"models that it influenced ({', '.join(models)}): {how}"
