"""Record of a stage: its inputs, outs, decisions, counts, code, parameters and environment.

The record is an out of its stage (``data/lineage/<stage>.json``), so DVC versions, caches and restores it with the
other outs. It holds nothing that changes from run to run. Such facts are in the event log (`lineage.events`), which
names the hash of the record. `lineage.record_writing` writes it; this module imports little, for `model_files`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.artifacts import RECORDS
from tasks.runtime.artifact_reading import read_json

KEYS: Mapping[str, type] = {
    "stage": str,
    "command": str,
    "inputs": list,
    "outputs": list,
    "params": dict,
    "modules": dict,
    "code": list,
    "environment": dict,
}


def path_of(stage: str) -> Path:
    """Return the path of a stage's record, relative to the project."""
    return RECORDS / f"{stage}.json"


def read(root: Path, stage: str) -> dict[str, Any] | None:
    """Return the record of a stage, or None if it is missing.

    Raises:
        BreathlineError: The record is damaged, or lacks a key.
    """
    path = root / path_of(stage)
    return read_json(path, KEYS) if path.is_file() else None
