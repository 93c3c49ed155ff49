"""Traversal of the provenance graph from a node to its causes or its effects."""

from lineage.trace.catalogue import Catalogue
from lineage.trace.cycle_nodes import Annotations, Cycles, Features, Samples, SoftLabels
from lineage.trace.evaluation_nodes import Figures, Metrics, Predictions, PredictionTable, Reports
from lineage.trace.model_nodes import Initial, SoftLabelTable, Weights
from lineage.trace.node_type import NodeType
from lineage.trace.project_data import ProjectData
from lineage.trace.provenance_graph import Direction, Edge, Node
from lineage.trace.recording_nodes import Patients, Recordings, Sets, Sources
from lineage.trace.stage_nodes import Code, Environments, Stages

TYPES: dict[str, type[NodeType]] = {
    "source": Sources,
    "patient": Patients,
    "recording": Recordings,
    "set": Sets,
    "samples": Samples,
    "annotation": Annotations,
    "cycle": Cycles,
    "fbank": Features,
    "soft_label": SoftLabels,
    "soft_labels": SoftLabelTable,
    "initial": Initial,
    "weights": Weights,
    "prediction": Predictions,
    "predictions": PredictionTable,
    "figures": Figures,
    "metric": Metrics,
    "reports": Reports,
    "stage": Stages,
    "code": Code,
    "environment": Environments,
}


def node_types(data: ProjectData, catalogue: Catalogue) -> dict[str, NodeType]:
    """Return all types of nodes by the kind in a node's id."""
    return {kind: node_type(data, catalogue) for kind, node_type in TYPES.items()}


def neighbours(types: dict[str, NodeType], node: str, direction: Direction) -> list[Edge]:
    """Return the edges from a node to its causes (backward) or its effects (forward)."""
    kind, _, name = node.partition(":")
    if direction == "backward":
        return [Edge(other, node, how) for other, how in types[kind].before(name)]
    return [Edge(node, other, how) for other, how in types[kind].after(name)]


def traverse(
    types: dict[str, NodeType], root: Node, first: list[Edge], direction: Direction
) -> tuple[dict[str, Node], tuple[Edge, ...]]:
    """Return all reachable nodes by id, and the edges between them, breadth first.

    ``first`` holds the edges of the root, whose type need not be among the types.
    """
    nodes, edges, waiting = {root.id: root}, dict.fromkeys(first), [*first]
    for edge in waiting:  # the list grows during the loop
        other = edge.cause if direction == "backward" else edge.effect
        if other in nodes:
            continue
        kind, _, name = other.partition(":")
        nodes[other] = types[kind].node(name)
        found = neighbours(types, other, direction)
        edges |= dict.fromkeys(found)
        waiting += found
    return nodes, tuple(edges)
