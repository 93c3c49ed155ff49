"""DVC's graph and status as plain, frozen values, without Prefect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from flows.dvc_repository import open_repo
from flows.processes import files_in_use
from lineage import out_folders
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import flatten

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import PipelineStage


STATE_NAMES = {"deleted": "missing", "new": "not in dvc.lock"}  # names in a plan, by the state that DVC reports


@dataclass(frozen=True)
class Change:
    """One difference from ``dvc.lock``.

    Attributes:
        kind: Part of the stage that differs: the stage itself, its command, a dep, a parameter or an out.
        name: Path, or dotted key of the parameter.
        state: Description of the difference, such as ``modified`` or ``0.05 → 0.1``.
    """

    kind: Literal["stage", "command", "dep", "param", "out"]
    name: str
    state: str


@dataclass(frozen=True)
class Stage:
    """A stage of the graph.

    Attributes:
        name: Name of the stage, as DVC knows it.
        upstream: Names of the direct upstream stages.
        outs: Paths of the outs.
        changes: Differences from ``dvc.lock``.
        deps: Paths of the deps, without parameters.
        gpu: Whether the stage uses a GPU if the machine has one: ``meta: {gpu: true}`` in dvc.yaml.
    """

    name: str
    upstream: tuple[str, ...]
    outs: tuple[str, ...]
    changes: tuple[Change, ...]
    deps: tuple[str, ...] = ()
    gpu: bool = False


def read(root: Path) -> tuple[Stage, ...]:
    """Return the stages in topological order, with their differences from ``dvc.lock``."""
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException
    from dvc.lock import LockError

    try:
        with open_repo(root) as repo, repo.lock:
            files_in_use.restore(repo)
            stages = _stages(repo)
    except LockError as error:
        raise BreathlineError(
            "DVC is locked: another run is in progress in this project.", where=error, hint="wait until it has ended"
        ) from error
    except ConfigError as error:
        hint = "correct .dvc/config.local, or .dvc/config, which `git checkout .dvc/config` restores"
        raise BreathlineError("DVC cannot read its settings.", where=error, hint=hint) from error
    except DvcException as error:
        hint = "correct dvc.yaml or params.yaml"
        if "dvc.lock" in str(error):
            # DVC does not write this file atomically.
            hint = "restore it by `git checkout dvc.lock`; results of stages that it lacks come from DVC's run cache"
        raise BreathlineError("DVC cannot read the graph.", where=error, hint=hint) from error

    out_folders.check(root, [out for stage in stages for out in stage.outs])
    return stages


def _stages(repo: Repo) -> tuple[Stage, ...]:
    from dvc.dependency import ParamsDependency
    from dvc.utils.serialize import load_path

    graph = repo.index.graph
    # DVC reads params.yaml anew for each stage, and looks keys up as patterns.
    values = cache(lambda path: load_path(path, repo.fs) if repo.fs.isfile(path) else {})
    found = {_name(stage): stage for stage in graph}
    upstream = {name: sorted(_name(other) for other in graph.successors(stage)) for name, stage in found.items()}
    states: dict[tuple[str, Any], list[str]] = {}
    # Independent stages keep their order in the file, so that the plan reads like dvc.yaml.
    order = list(TopologicalSorter({name: upstream[name] for name in found}).static_order())
    return tuple(
        Stage(
            name,
            upstream=tuple(upstream[name]),
            outs=tuple(out.def_path for out in found[name].outs),
            changes=tuple(_changes(found[name], values, states)),
            deps=tuple(dep.def_path for dep in found[name].deps if not isinstance(dep, ParamsDependency)),
            gpu=bool((found[name].meta or {}).get("gpu")),
        )
        for name in order
    )


def _changes(
    stage: PipelineStage, values: Callable[[str], Mapping[str, Any]], states: dict[tuple[str, Any], list[str]]
) -> Iterator[Change]:
    """Yield the differences of a stage from ``dvc.lock``.

    Args:
        stage: Stage of DVC.
        values: Function from the path of a file of parameters to its content.
        states: States of the deps so far, by path and hash in ``dvc.lock``; those of the stage are added.
    """
    from dvc.dependency import ParamsDependency

    if not any(out.hash_info for out in stage.outs):
        yield Change("stage", _name(stage), "never run")
        return
    if stage.always_changed:
        yield Change("stage", _name(stage), "always runs")
    if stage.cmd_changed:
        yield Change("command", _name(stage), "modified")
    for dep in stage.deps:
        if isinstance(dep, ParamsDependency):
            yield from _changed_params(dep.hash_info.value or {}, values(dep.fs_path), dep.params)
        else:
            # Stages share folders of code: DVC would list their files again for each.
            key = dep.fs_path, dep.hash_info.value
            if key not in states:
                states[key] = [STATE_NAMES.get(state, state) for state in dep.status().values()]
            yield from (Change("dep", dep.def_path, state) for state in states[key])
    for out in stage.outs:
        yield from (Change("out", out.def_path, STATE_NAMES.get(state, state)) for state in out.status().values())


def _name(stage: PipelineStage) -> str:
    # Not `stage.addressing`, which depends on the current folder. Data added by `dvc add` has a file and no name.
    name: str = getattr(stage, "name", None) or stage.path_in_repo
    return name


def _changed_params(old: Mapping[str, Any], new: Mapping[str, Any], keys: list[str]) -> Iterator[Change]:
    for key in keys:
        before, now = flatten({key: old[key]} if key in old else {}), flatten(_at(new, key))
        for leaf in [*now, *(leaf for leaf in before if leaf not in now)]:
            if leaf not in before:
                yield Change("param", leaf, f"new: {now[leaf]}")
            elif leaf not in now:
                yield Change("param", leaf, "removed")
            elif before[leaf] != now[leaf]:
                yield Change("param", leaf, f"{before[leaf]} → {now[leaf]}")


def _at(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the value at a dotted key by the key; empty if it is missing."""
    found: Any = values
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return {}
        found = found[part]
    return {key: found}


def overlap(path: str, others: Iterable[str]) -> bool:
    """Return whether a path equals, contains or is inside of at least one of some other paths."""
    one = PurePosixPath(path)
    return any(one.is_relative_to(other) or PurePosixPath(other).is_relative_to(one) for other in others)
