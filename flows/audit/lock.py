"""What `dvc.lock` says of each stage, and what DVC's graph adds to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tasks.errors import BreathlineError

if TYPE_CHECKING:
    from dvc.repo import Repo


@dataclass(frozen=True)
class Entry:
    """A path that a stage read or made, and what it then was.

    Attributes:
        stage: Its name, as DVC knows it.
        role: Whether the stage reads or makes it.
        path: Relative to the project.
        md5: As DVC has it: of a file's bytes, or with ``.dir`` at the end of a folder's list of files.
        cached: Whether DVC's cache has to have a copy.
    """

    stage: str
    role: Literal["dep", "out"]
    path: str
    md5: str
    cached: bool = False


@dataclass(frozen=True)
class Lock:
    """All that is recorded.

    Attributes:
        entries: Of the stages that `dvc.yaml` has, in topological order.
        leftover: Outs of stages that it no longer has; their copies may still be in the cache.
    """

    entries: tuple[Entry, ...]
    leftover: tuple[Entry, ...] = ()

    @cached_property
    def outs(self) -> dict[str, Entry]:
        """The outs, by path."""
        return {entry.path: entry for entry in self.entries if entry.role == "out"}

    @cached_property
    def deps(self) -> tuple[Entry, ...]:
        """The deps."""
        return tuple(entry for entry in self.entries if entry.role == "dep")

    def touching(self, path: str) -> list[Entry]:
        """Return the outs that are a path, lie below it, or hold it."""
        here = PurePosixPath(path)
        return [
            out
            for out in self.outs.values()
            if here.is_relative_to(out.path) or PurePosixPath(out.path).is_relative_to(here)
        ]

    def downstream(self, stage: str) -> tuple[str, ...]:
        """Return the stages that depend on a stage, directly or not, in topological order."""
        found = {stage}
        for name, before in self._before.items():
            if before & found:
                found.add(name)
        return tuple(name for name in self._before if name in found - {stage})

    @cached_property
    def _before(self) -> dict[str, set[str]]:
        before: dict[str, set[str]] = {entry.stage: set() for entry in self.entries}
        for dep in self.deps:
            before[dep.stage] |= {out.stage for out in self.touching(dep.path)} - {dep.stage}
        return {name: before[name] for name in TopologicalSorter(before).static_order()}


def read(root: Path, repo: Repo) -> Lock:
    """Return what is recorded.

    Raises:
        BreathlineError: Nothing is recorded yet, or the file is broken.
    """
    path = root / "dvc.lock"
    cached = {
        stage.name: {out.def_path: bool(out.use_cache) for out in stage.outs}
        for stage in repo.index.stages
        if getattr(stage, "name", None)
    }
    try:
        stages = YAML(typ="safe").load(path.read_text(encoding="utf-8"))["stages"]
        entries = [entry for name, stage in stages.items() for entry in _entries(name, stage, cached.get(name, {}))]
    except FileNotFoundError as error:
        raise BreathlineError("Nothing has run here yet.", where=path, hint="`breathline run`, then again") from error
    except (YAMLError, AttributeError, KeyError, TypeError) as error:
        hint = "remove it; the next `breathline run` restores it from DVC's run cache"
        raise BreathlineError(f"dvc.lock cannot be read: {error}", where=path, hint=hint) from error
    current = [entry for entry in entries if entry.stage in cached]
    return Lock(tuple(current), tuple(entry for entry in entries if entry.stage not in cached and entry.role == "out"))


def _entries(name: str, stage: Mapping[str, Any], cached: Mapping[str, bool]) -> Sequence[Entry]:
    return [
        *(Entry(name, "dep", one["path"], one["md5"]) for one in stage.get("deps", ())),
        *(Entry(name, "out", one["path"], one["md5"], cached.get(one["path"], False)) for one in stage.get("outs", ())),
    ]
