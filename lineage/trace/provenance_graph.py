"""Provenance graph of a trace: nodes, edges and notes.

The id of a node is its kind and its name, such as ``weights:student/1/val``. A row has a node of its own only where the
question leads to it. Otherwise the node of a set, a table or a model represents its rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tasks.runtime.params import natural

Direction = Literal["backward", "forward"]
MADE_BY = "made by"


@dataclass(frozen=True)
class Node:
    """Cause or effect in the making of artifacts."""

    id: str  # kind and name
    label: str  # short text for people
    facts: Mapping[str, Any] = field(default_factory=dict)  # facts as JSON values
    group: str = ""  # name of a group whose nodes of one kind may be shown as one, such as all recordings of `train`

    @property
    def kind(self) -> str:
        """The kind of the node."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """The name among the nodes of the same kind."""
        return self.id.partition(":")[2]


@dataclass(frozen=True)
class Edge:
    """Influence of one node on another."""

    cause: str  # id of the earlier node
    effect: str  # id of the later node
    how: str  # role of the cause


@dataclass(frozen=True)
class Rerun:
    """Stage that has to run again without a recording or patient."""

    stage: str  # name of the stage in DVC
    why: str  # reason
    learned: bool  # whether the outs hold anything learned from the recording or patient


@dataclass(frozen=True)
class Trace:
    """The answer to a question."""

    question: str  # text of the question
    direction: Direction  # ``backward`` to the causes, or ``forward`` to the effects
    root: str  # id of the node that the question is about
    nodes: Mapping[str, Node]  # nodes by id, in the order in which they were reached
    edges: tuple[Edge, ...]  # edges between the nodes, in the order in which they were found
    notes: tuple[str, ...] = ()  # contradictions between records, and limits of the answer
    # stages that would have to run again without the root; only in the direction ``forward``
    reruns: tuple[Rerun, ...] = ()

    def nodes_of(self, *kinds: str) -> list[Node]:
        """Return the nodes of some kinds, sorted by id."""
        return sorted((node for node in self.nodes.values() if node.kind in kinds), key=lambda node: node.id)

    def as_json(self) -> dict[str, Any]:
        """Return the trace as JSON values, with the facts that auditors ask for first at the top."""
        return {
            "question": self.question,
            "direction": self.direction,
            "root": self.root,
            "corpora": [node.name for node in self.nodes_of("source")],
            "recordings": [node.name for node in self.nodes_of("recording")],
            "patients": sorted((node.name for node in self.nodes_of("patient")), key=natural),
            "models": [node.facts["path"] for node in self.nodes_of("weights")],
            "stages": [node.name for node in self.nodes_of("stage")],
            "seeds": {node.name: node.facts["seeds"] for node in self.nodes_of("stage") if node.facts.get("seeds")},
            "notes": list(self.notes),
            "reruns": [asdict(rerun) for rerun in self.reruns],
            "nodes": [asdict(node) | {"kind": node.kind} for node in self.nodes.values()],
            "edges": [asdict(edge) for edge in self.edges],
        }


Link = tuple[str, str]
"""Id of a neighbour, and the role of the cause."""


def links(kind: str, names: Iterable[object], how: str) -> list[Link]:
    """Return links to nodes of one kind."""
    return [(f"{kind}:{name}", how) for name in names]
