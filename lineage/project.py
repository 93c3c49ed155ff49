"""Project for an audit: graph, records, and the stage that made each path."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

from lineage import corpora, files, graph, record
from lineage.graph import Stage
from tasks.artifacts import CorpusFolders

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Project:
    """The stages of a project and their records."""

    root: Path  # root of the project
    stages: Mapping[str, Stage]  # stages by name, in the order of dvc.yaml
    records: Mapping[str, Record]  # records by stage; a stage that has not run under this version has none

    def maker(self, path: str) -> str | None:
        """Return the stage that makes a path or a folder above it; None for a path from outside."""
        for parent in (PurePosixPath(path), *PurePosixPath(path).parents):
            if (name := self._makers.get(str(parent))) is not None:
                return name
        return None

    def makers(self, path: str) -> list[str]:
        """Return all stages that make a path, a folder above it, or paths below it (``data/teachers``)."""
        own = self.maker(path)
        below = [name for out, name in self._makers.items() if out == path or out.startswith(f"{path}/")]
        return list(dict.fromkeys([*([own] if own else []), *below]))

    def upstream(self, stage: str) -> list[str]:
        """Return the stages whose outs a stage reads."""
        return self._upstream[stage]

    def downstream(self, stage: str) -> list[str]:
        """Return all stages that depend on a stage, directly or not, in topological order."""
        reached = {stage}
        for name in self.order:
            if reached.intersection(self.upstream(name)):
                reached.add(name)
        return [name for name in self.order if name in reached and name != stage]

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The stages in topological order."""
        return tuple(TopologicalSorter({name: self.upstream(name) for name in self.stages}).static_order())

    @cached_property
    def corpora(self) -> tuple[CorpusFolders, ...]:
        """The corpora, those to learn from first."""
        return corpora.of_stages(self.stages)

    def files(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield stage and description of every file in all records; ``kind`` is ``inputs``, ``outputs`` or ``code``."""
        for name, found in self.records.items():
            for file in files.by_path(found[kind]).values():
                yield name, file

    @cached_property
    def _upstream(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, stage in self.stages.items():
            makers = dict.fromkeys(maker for path in stage.inputs for maker in self.makers(path))
            found[name] = [maker for maker in makers if maker != name]
        return found

    @cached_property
    def _makers(self) -> dict[str, str]:
        return {out: name for name, stage in self.stages.items() for out in stage.outs}


def load(root: Path) -> Project:
    """Read a project.

    Raises:
        BreathlineError: dvc.yaml, params.yaml or a record cannot be read.
    """
    stages = graph.read(root)
    found = {name: record.read(root, name) for name in stages}
    return Project(root, stages, {name: read for name, read in found.items() if read is not None})
