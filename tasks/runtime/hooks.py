"""Hooks of a stage: services of higher layers that its launcher (`cli.stage_launcher`) registers."""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Recorder = Callable[[Path, str, Mapping[str, Any]], AbstractContextManager[None]]
Provenance = Callable[[Path], Mapping[str, Any]]
Mapper = Callable[..., Generator[Any, None, None]]


@dataclass
class Hooks:
    """Services that a stage uses if they are registered.

    Attributes:
        recorder: Context manager around a stage's work that writes the record and the event log. Its arguments are the
            project's root, the stage's name, and the mapping to which the work adds its decisions.
        provenance: Origin of the figures of the project at a root: commit, recipe, corpora, and runs so far.
        dask_mapper: Parallel map over a Dask cluster, called as ``flows.dask_map.in_order``.
    """

    recorder: Recorder | None = None
    provenance: Provenance | None = None
    dask_mapper: Mapper | None = None


hooks = Hooks()
