"""Hooks by which the launcher of a stage (`cli.stage`) provides services of the layers above."""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Recorder = Callable[[Path, str, Mapping[str, Any]], AbstractContextManager[None]]
Mapper = Callable[..., Generator[Any, None, None]]


@dataclass
class Hooks:
    """Services that a stage uses where they are registered.

    Attributes:
        recorder: Context around a stage's work, which writes the record and the event log. Its arguments are the
            project's root, the stage's name, and the mapping that the work fills with its decisions.
        dask_mapper: Parallel map over a Dask cluster, called as ``flows.dask_map.in_order``.
    """

    recorder: Recorder | None = None
    dask_mapper: Mapper | None = None


hooks = Hooks()
