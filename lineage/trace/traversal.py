"""From a node to all that made it, or to all that it influenced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from lineage.trace.catalogue import Catalogue
from lineage.trace.cycle_nodes import Annotations, Cycles, Features, Samples, SoftLabels
from lineage.trace.evaluation_nodes import Figures, Metrics, Predictions, PredictionTable, Reports
from lineage.trace.model_nodes import Initial, SoftLabelTable, Weights
from lineage.trace.project_data import Evidence
from lineage.trace.provenance_graph import Direction, Edge, Link, Node
from lineage.trace.recording_nodes import Patients, Recordings, Sets, Sources
from lineage.trace.stage_nodes import Code, Environments, Stages


class Kind(Protocol):
    """What is known of the nodes of one kind, by their names.

    `before` and `after` are each other's mirror image, but for stages: these are told of what was made, and never ask
    what came of it.
    """

    def node(self, name: str) -> Node:
        """Return the node."""
        ...

    def before(self, name: str) -> Iterator[Link]:
        """Yield what it was made of."""
        ...

    def after(self, name: str) -> Iterator[Link]:
        """Yield what was made of it."""
        ...


def kinds(evidence: Evidence, catalogue: Catalogue) -> dict[str, Kind]:
    """Return all kinds of nodes by their names."""
    return {
        "source": Sources(evidence),
        "patient": Patients(evidence),
        "recording": Recordings(evidence, catalogue),
        "set": Sets(evidence, catalogue),
        "samples": Samples(evidence),
        "annotation": Annotations(evidence),
        "cycle": Cycles(evidence),
        "fbank": Features(evidence, catalogue),
        "soft_label": SoftLabels(evidence, catalogue),
        "soft_labels": SoftLabelTable(evidence, catalogue),
        "initial": Initial(evidence, catalogue),
        "weights": Weights(evidence, catalogue),
        "prediction": Predictions(evidence, catalogue),
        "predictions": PredictionTable(evidence, catalogue),
        "figures": Figures(evidence, catalogue),
        "metric": Metrics(evidence, catalogue),
        "reports": Reports(evidence, catalogue),
        "stage": Stages(evidence),
        "code": Code(evidence),
        "environment": Environments(evidence),
    }


def neighbours(known: dict[str, Kind], node: str, direction: Direction) -> list[Edge]:
    """Return the edges that lead from a node to what was before it, or after it."""
    kind, _, name = node.partition(":")
    if direction == "backward":
        return [Edge(other, node, how) for other, how in known[kind].before(name)]
    return [Edge(node, other, how) for other, how in known[kind].after(name)]


def walk(
    known: dict[str, Kind], root: Node, first: list[Edge], direction: Direction
) -> tuple[dict[str, Node], tuple[Edge, ...]]:
    """Return all nodes that can be reached, by id, and the edges between them, breadth first.

    Args:
        known: All kinds.
        root: Where to begin; it may be one that only the question knows.
        first: The edges from there.
        direction: Which way.
    """
    nodes, edges, waiting = {root.id: root}, dict.fromkeys(first), [*first]
    for edge in waiting:  # grows as it goes
        other = edge.cause if direction == "backward" else edge.effect
        if other in nodes:
            continue
        kind, _, name = other.partition(":")
        nodes[other] = known[kind].node(name)
        found = neighbours(known, other, direction)
        edges |= dict.fromkeys(found)
        waiting += found
    return nodes, tuple(edges)
