"""Seeds of the student that were trained, and whether the figures report them.

A seed that was started and is in no figure may have been left out for its result.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage import record, test_use
from lineage.files import hashes
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

GROUP = "train_student"

Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SeedRuns:
    """Runs of one seed in one log."""

    log: str  # folder of the log, relative to the project
    seed: str
    started: int
    done: int
    failed: int
    last: str | None  # time of the last start
    reported: bool  # whether the current figures include the seed


def of_record(found: Mapping[str, Any]) -> dict[str, str]:
    """Return what the event log keeps of a record of a student, because the record may leave the cache.

    Returns:
        ``recipe``, the SHA-256 of what the student learned from and how, without the seed; ``model``, its hash.
    """
    recipe = [found["command"], found["params"], hashes(found["inputs"]), hashes(found["code"])]
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    return {"recipe": digest, "model": str(found["outputs"][0]["sha256"])}


def read(folder: Path, name: str, entries: Iterable[Entry]) -> Iterator[SeedRuns]:
    """Yield the seeds whose training was started, in the order of their numbers.

    Args:
        folder: Project or workspace of the log.
        name: Name of the log.
        entries: Entries of the log.
    """
    entries = list(entries)
    ends = {entry.get("start"): entry.get("status") for entry in entries if entry.get("event") == "end"}
    starts: dict[str, list[Entry]] = {}
    for entry in entries:
        group, _, seed = str(entry.get("stage")).partition("@")
        if entry.get("event") == "start" and group == GROUP:
            starts.setdefault(seed, []).append(entry)
    reported = _reported(folder)
    for seed, found in sorted(starts.items(), key=lambda pair: (len(pair[0]), pair[0])):
        outcomes = [ends.get(entry.get("hash")) for entry in found]
        counts = {status: outcomes.count(status) for status in ("done", "failed")}
        last = str(found[-1].get("at"))
        yield SeedRuns(log=name, seed=seed, started=len(found), **counts, last=last, reported=seed in reported)


def _reported(folder: Path) -> set[str]:
    """Return the seeds in the current figures by the record of `evaluate`, or else those of params.yaml."""
    try:
        found = record.read(folder, test_use.STAGE)
        if found is not None:
            return set(test_use.models_of(found, test_use.FOLDERS["students"]))
        return {str(seed) for seed in params.section(params.read(folder / params.PARAMS), "student.seeds")}
    except (BreathlineError, OSError):
        return set()
