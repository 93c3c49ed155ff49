"""Base class of the node types."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from lineage.trace.catalogue import Catalogue
from lineage.trace.project_data import ProjectData
from lineage.trace.provenance_graph import Link, Node


class NodeType(ABC):
    """Type of node: facts, causes and effects of its nodes by name.

    The links of `before` and `after` mirror each other. Stages are an exception: they have causes only.
    """

    def __init__(self, data: ProjectData, catalogue: Catalogue) -> None:
        self.data, self.catalogue = data, catalogue

    @abstractmethod
    def node(self, name: str) -> Node:
        """Return the node."""

    def before(self, name: str) -> Iterator[Link]:
        """Yield links to the causes; none by default."""
        yield from ()

    def after(self, name: str) -> Iterator[Link]:
        """Yield links to the effects; none by default."""
        yield from ()
