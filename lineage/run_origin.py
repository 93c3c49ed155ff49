"""Origin of the figures of a run, from the records and the event logs: time, commit, corpora, models so far."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage import corpora, events, record, seed_runs, test_use, workspace_logs
from lineage.graph import Stage
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

Record = Mapping[str, Any]
NO_RECORD = "the stage `evaluate` has left no record that can be read"


def read(root: Path, stages: Mapping[str, Stage]) -> dict[str, Any]:
    """Return the origin of the figures of a project.

    A fact that no record or log has is None: the origin is an annotation of a page, and never stops a stage.

    Args:
        root: Root of the project.
        stages: Stages of the project by name (`lineage.graph`).

    Returns:
        ``evaluated_at``; ``commit``, ``dirty``, ``changed_files`` of the diff and ``untracked`` ones; ``corpora`` with
        ``name``, ``role`` and ``sha256`` of the source; ``test_use`` (`test_use.count`). ``seeds_left_out`` are the
        seeds of the student that were started and are not in the figures. ``missing`` is the reason for missing facts.
    """
    evaluated = _record(root, test_use.STAGE)
    use = test_use.of_record(evaluated)
    return {
        "evaluated_at": _time(root) if evaluated else None,
        **_commit(evaluated),
        "corpora": [
            {"name": one.name, "role": one.role, "sha256": _source_hash(root, stages, one.raw.as_posix())}
            for one in corpora.of_stages(stages)
        ],
        "test_use": test_use.count(root, use) if use else None,
        "seeds_left_out": [
            one.seed for one in seed_runs.read(root, ".", events.read_or_empty(root)) if not one.reported
        ],
        "missing": None if evaluated else NO_RECORD,
    }


def _record(root: Path, stage: str) -> Record:
    """Return the record of a stage; empty where it is missing or damaged."""
    try:
        return record.read(root, stage) or {}
    except (BreathlineError, OSError):
        return {}


def _commit(evaluated: Record) -> dict[str, Any]:
    """Return the commit of the code that evaluated, and the changed and new files where it was not clean."""
    state = evaluated.get("git") or {}
    lines = str(state.get("diff") or "").splitlines()
    changed = [line.rpartition(" b/")[2] for line in lines if line.startswith("diff --git ")]
    return {
        "commit": state.get("commit"),
        "dirty": bool(state.get("dirty")),
        "changed_files": changed,
        "untracked": list(state.get("untracked", {})),
    }


def _time(root: Path) -> str | None:
    """Return the end of the first run that wrote the current record of `evaluate`; None if no log has it.

    A later run of equal inputs, code and outs writes the same record, and changes nothing on the page.
    """
    digest = sha256(root / record.path_of(test_use.STAGE))
    for folder in (root, *workspace_logs.others(root)):
        for entry in events.read_or_empty(folder):
            if events.is_success(entry) and entry.get("record") == digest and entry.get("at"):
                return str(entry["at"])
    return None


def _source_hash(root: Path, stages: Mapping[str, Stage], raw: str) -> str | None:
    """Return the recorded SHA-256 of the folder of a corpus's source."""
    maker = next((name for name, stage in stages.items() if raw in stage.outs), "")
    outputs = _record(root, maker).get("outputs", [])
    return next((str(entry["sha256"]) for entry in outputs if entry["path"] == raw), None)
