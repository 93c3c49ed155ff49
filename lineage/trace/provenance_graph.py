"""What an answer is made of: nodes, what influenced what, and what must be said beside it.

A node's id is its kind and its name: ``recording:101_1b1_Tc_sc_Meditron``, ``weights:student/1/val``. Rows are nodes of
their own only where a question leads to them; else a set, a table or a model stands for its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tasks.runtime.params import natural

Direction = Literal["backward", "forward"]
MADE_BY = "made by"


@dataclass(frozen=True)
class Node:
    """Something that was made, or that something was made of.

    Attributes:
        id: Kind and name.
        label: A few words for people.
        facts: What is known of it, ready for JSON.
        group: Nodes of one kind and group may be shown as one, such as all recordings that train.
    """

    id: str
    label: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""

    @property
    def kind(self) -> str:
        """What sort of thing it is."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """Its name among those of its kind."""
        return self.id.partition(":")[2]


@dataclass(frozen=True)
class Edge:
    """That one node influenced another.

    Attributes:
        cause: The id of the earlier one.
        effect: The id of the later one.
        how: In which role.
    """

    cause: str
    effect: str
    how: str


@dataclass(frozen=True)
class Rerun:
    """A stage that has to run anew when something is taken away.

    Attributes:
        stage: As DVC calls it.
        why: What it had of it.
        learned: Whether what it made holds anything learned from it, so that it must be trained anew.
    """

    stage: str
    why: str
    learned: bool


@dataclass(frozen=True)
class Trace:
    """The answer to a question.

    Attributes:
        question: As it was asked.
        direction: ``backward``: what made it; ``forward``: what it influenced.
        root: The id of what was asked about.
        nodes: By id, the root first, each after one that led to it.
        edges: Between them, as they were found.
        notes: What has to be known to read it rightly: contradictions between records, say.
        reruns: Of a question forward: the stages that would have to run anew without it.
    """

    question: str
    direction: Direction
    root: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...] = ()
    reruns: tuple[Rerun, ...] = ()

    def of(self, *kinds: str) -> list[Node]:
        """Return the nodes of some kinds, sorted by id."""
        return sorted((node for node in self.nodes.values() if node.kind in kinds), key=lambda node: node.id)

    def as_json(self) -> dict[str, Any]:
        """Return all of it, ready for JSON; what auditors ask first stands at the top."""
        return {
            "question": self.question,
            "direction": self.direction,
            "root": self.root,
            "recordings": [node.name for node in self.of("recording")],
            "patients": sorted((node.name for node in self.of("patient")), key=natural),
            "models": [node.facts["path"] for node in self.of("weights")],
            "stages": [node.name for node in self.of("stage")],
            "seeds": {node.name: node.facts["seeds"] for node in self.of("stage") if node.facts.get("seeds")},
            "notes": list(self.notes),
            "reruns": [asdict(rerun) for rerun in self.reruns],
            "nodes": [asdict(node) | {"kind": node.kind} for node in self.nodes.values()],
            "edges": [asdict(edge) for edge in self.edges],
        }


Link = tuple[str, str]
"""The id of a neighbour, and the role in which the earlier one influenced the later one."""


def ids(kind: str, names: Iterable[object], how: str) -> list[Link]:
    """Return links to several nodes of one kind."""
    return [(f"{kind}:{name}", how) for name in names]
