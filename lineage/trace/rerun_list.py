"""Stages that would have to run again without some recordings, and the reasons."""

from lineage.project import Project
from lineage.trace.catalogue import Catalogue
from lineage.trace.provenance_graph import Edge, Node, Rerun
from tasks import artifacts
from tasks.artifacts import CorpusFolders

REASONS = {
    "download": "holds the files",
    "extract": "holds cycles and waveforms",
    "validate": "checks the tables",
    "fbank": "holds features",
    "pool": "joins the tables",
    "report": "shows figures and test cycles that change",
    "evaluate": "holds predictions, or evaluates models that change",
    "explain": "holds embeddings and maps, or explains models that change",
    "export": "holds copies of models, and states what they were trained on",
}
LEARNING = ("train_teacher", "train_student", "soft_labels")


def reruns(
    project: Project, catalogue: Catalogue, corpus: CorpusFolders, nodes: dict[str, Node], edges: tuple[Edge, ...]
) -> list[Rerun]:
    """Return the stages that run again without the first node of a forward trace, in topological order.

    All stages that read the tables of cycles run again, because the tables change. Only some of them have learned from
    the removed cycles: directly, through soft labels, or through the choice of the epoch.

    Args:
        project: The project.
        catalogue: The trained models.
        corpus: Corpus of the first node.
        nodes: Nodes of the trace by id.
        edges: Edges of the trace.
    """
    source = corpus.stage("download")
    stages = {model.name: model.stage for model in catalogue.models.values()}
    causes: dict[str, list[Edge]] = {}
    for edge in edges:
        kind, _, name = edge.effect.partition(":")
        if kind == "weights":
            causes.setdefault(stages[name.rpartition("/")[0]], []).append(edge)
        elif kind == "soft_labels":
            causes.setdefault(kind, []).append(edge)
    return [_rerun(name, causes.get(name, []), nodes) for name in [source, *project.downstream(source)]]


def _rerun(stage: str, edges: list[Edge], nodes: dict[str, Node]) -> Rerun:
    causes: dict[tuple[str, str], list[Node]] = {}
    for edge in edges:
        cause = nodes[edge.cause]
        causes.setdefault((edge.how, cause.kind), []).append(cause)
    if causes:
        return Rerun(stage, "; ".join(_why(how, kind, found) for (how, kind), found in causes.items()), learned=True)
    corpus = artifacts.corpus_of(stage)
    group = corpus[0] if corpus else stage.partition("@")[0]
    if group in LEARNING:
        return Rerun(stage, "reads the table of cycles, which changes; nothing was learned from it", learned=False)
    return Rerun(stage, REASONS.get(group, "reads what changes"), learned=False)


def _why(how: str, kind: str, causes: list[Node]) -> str:
    if kind == "set":
        return f"cycles of {', '.join(cause.name for cause in causes)}: {how}"
    if kind == "soft_label":
        return f"holds {len(causes)} soft labels of it"
    if kind == "soft_labels":
        return f"soft labels that it influenced: {how}"
    models = list(dict.fromkeys(cause.name.rpartition("/")[0] for cause in causes))
    return f"models that it influenced ({', '.join(models)}): {how}"
