"""Units of work: the stages of a workspace that are not up to date, each with the identity of its work."""

from __future__ import annotations

import hashlib
import json
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from flows.dvc_repository import open_repo
from flows.graph import overlap, read
from flows.plan import plan
from flows.scheduling.scheduler import Unit

if TYPE_CHECKING:
    from dvc.dependency import Dependency
    from dvc.stage import PipelineStage


def outdated_units(workspace: Path) -> list[Unit]:
    """Return the stages of a workspace that are not up to date, in topological order."""
    steps = [step for step in plan(read(workspace)) if step.runs]
    works = work_hashes(workspace) if steps else {}
    return [Unit(workspace, step, works[step.stage]) for step in steps]


def work_hashes(workspace: Path) -> dict[str, str]:
    """Return for each stage a hash of its command, inputs, parameter values and upstream stages.

    Equal hashes mean equal outs.
    """
    from dvc.dependency import ParamsDependency

    hashes: dict[str, str] = {}
    with open_repo(workspace) as repo:
        graph = repo.index.graph
        outs = [out.fs_path for stage in graph for out in stage.outs]
        upstream: dict[PipelineStage, list[PipelineStage]] = {stage: [*graph.successors(stage)] for stage in graph}
        for stage in TopologicalSorter(upstream).static_order():
            inputs = [
                dep.read_params() if isinstance(dep, ParamsDependency) else [dep.def_path, _hash(dep)]
                for dep in stage.deps
                if not overlap(dep.fs_path, outs)
            ]
            before = sorted(hashes[other.name] for other in upstream[stage])
            text = json.dumps([stage.cmd, inputs, before], sort_keys=True)
            hashes[stage.name] = hashlib.sha256(text.encode()).hexdigest()
    return hashes


def _hash(dep: Dependency) -> str | None:
    try:
        value: str | None = dep.get_hash().value
    except FileNotFoundError:
        return None
    return value
