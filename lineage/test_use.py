"""Use of a test set: the models that were evaluated on it so far, by the event logs of a project.

A choice among models by their figures on a test set is a selection on it; more models make it stronger.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage import events, workspace_logs
from lineage.files import by_path, folder_hash
from tasks import artifacts

STAGE = "evaluate"
FOLDERS = {"students": artifacts.STUDENTS.as_posix(), "teachers": artifacts.TEACHERS.as_posix()}

Record = Mapping[str, Any]


def of_record(found: Record) -> dict[str, Any]:
    """Return what a record of `evaluate` says about the use of its test set; empty for a record without its cycles.

    Returns:
        ``test_set``, the SHA-256 of label set and test cycles; ``students`` and ``teachers``, the hash of each model.
    """
    cycles = found.get("decisions", {}).get("subsets", {}).get("test")
    if cycles is None:
        return {}
    tested = json.dumps([found.get("params", {}).get("labels"), sorted(cycles)])
    models = {kind: sorted(set(models_of(found, folder).values())) for kind, folder in FOLDERS.items()}
    return {"test_set": hashlib.sha256(tested.encode()).hexdigest(), **models}


def count(root: Path, current: Record) -> dict[str, int]:
    """Return how many models were evaluated on a test set, in the project and in its workspaces.

    The current evaluation counts, also if no event log has it: its results may have been pulled or restored.

    Args:
        root: Root of the project or of a workspace.
        current: Test set and models of the current evaluation, as `of_record` returns them.

    Returns:
        ``students`` and ``teachers``, the numbers of different models; ``evaluations``, the number of different sets of
        models; ``unknown``, the number of evaluations whose entry does not name their test set.
    """
    logs = [events.read_or_empty(folder) for folder in (root, *workspace_logs.others(root))]
    ends = [entry for log in logs for entry in log if entry.get("stage") == STAGE and events.is_success(entry)]
    logged = (entry.get("evaluated", {}) for entry in ends)
    used = [current, *(one for one in logged if one.get("test_set") == current["test_set"])]
    models = {kind: {model for one in used for model in one[kind]} for kind in FOLDERS}
    sets = {tuple(sorted(model for kind in FOLDERS for model in one[kind])) for one in used}
    unknown = {entry.get("record") for entry in ends if "evaluated" not in entry}
    return {
        **{kind: len(found) for kind, found in models.items()},
        "evaluations": len(sets),
        "unknown": len(unknown),
    }


def models_of(found: Record, folder: str) -> dict[str, str]:
    """Return the hash of each model in a folder of a record's inputs, by name."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for path, file in by_path(found.get("inputs", [])).items():
        if path.startswith(f"{folder}/"):
            name = path.removeprefix(f"{folder}/").partition("/")[0]
            parts.setdefault(name, []).append(file)
    return {name: folder_hash(f"{folder}/{name}", files) for name, files in sorted(parts.items())}
