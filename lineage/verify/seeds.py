"""Check for seeds of the student that the figures leave out after they were evaluated."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from lineage import record, test_use
from lineage.files import hashes
from lineage.seed_runs import GROUP
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note
from tasks.artifacts import METRICS, STUDENTS

Record = Mapping[str, Any]
SCORE = ("student", "val", "score_strict", "mean")  # keys of the figure that a finding quotes


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield seeds that were trained as the reported ones are, and that no current figure includes.

    Such a seed is an error if it was evaluated on the current test set: the figures are then a choice among results.
    A seed that was only trained is a note. Temporary experiments do not count.
    """
    current = audited.project.records.get(test_use.STAGE)
    if current is None:
        return
    reported = set(test_use.models_of(current, STUDENTS.as_posix()))
    recipes = [_recipe(audited.project.records[stage]) for seed in reported if (stage := _stage(audited, seed))]
    for stage, ended in audited.ended.items():
        group, _, seed = stage.partition("@")
        if group != GROUP or seed in reported:
            continue
        known = _records(audited, stage)
        runs = (known[digest] for entry in ended if "experiment" not in entry and (digest := entry["record"]) in known)
        same = [found for found in runs if _recipe(found) in recipes]
        if same:
            yield _omitted(audited, current, stage, same)


def _omitted(audited: AuditedProject, current: Record, stage: str, runs: list[Record]) -> Finding:
    """Return the finding of a seed that is in no current figure."""
    what = f"seed {stage.partition('@')[2]} was trained as the reported ones were, and no figure includes it"
    models = {str(found["outputs"][0]["sha256"]) for found in runs}
    test_set, known = test_use.of_record(current).get("test_set"), _records(audited, test_use.STAGE)
    for entry in audited.ended.get(test_use.STAGE, ()):
        found = known.get(entry["record"])
        used = entry.get("evaluated") or test_use.of_record(found or {})
        if used.get("test_set") == test_set and not models.isdisjoint(used.get("students", ())):
            what += f"; it was evaluated on this test set, in entry {entry.get('number')}"
            before, now = _score(audited, found), _score(audited, current)
            if before is not None and now is not None:
                what += f": {'.'.join(SCORE[:-1])} {before} with it, {now} without"
            return Finding("run-omitted", stage, what, (test_use.STAGE,))
    return note("run-omitted", stage, f"{what}; it was not evaluated on this test set", (test_use.STAGE,))


def _stage(audited: AuditedProject, seed: str) -> str | None:
    name = f"{GROUP}@{seed}"
    return name if name in audited.project.records else None


def _recipe(found: Record) -> tuple[Any, ...]:
    """Return what a student learned from and how; the seed is in none of it."""
    return found["command"], found["params"], hashes(found["inputs"]), hashes(found["code"])


def _records(audited: AuditedProject, stage: str) -> dict[str, Record]:
    """Return the records of a stage in the project and in the caches, by SHA-256."""
    cached = (path for stages in audited.earlier.records.values() for path in stages.get(stage, ()))
    paths = [path for path in (audited.root / record.path_of(stage), *cached) if path.is_file()]
    contents = {hashlib.sha256(data).hexdigest(): data for data in (path.read_bytes() for path in paths)}
    return {digest: json.loads(data) for digest, data in contents.items()}


def _score(audited: AuditedProject, evaluated: Record | None) -> Any:
    """Return the Score of a recorded evaluation; None if its figures are no longer here."""
    entries = evaluated["outputs"] if evaluated else ()
    entry = next((one for one in entries if one["path"] == METRICS.as_posix()), None)
    if entry is None:
        return None
    there = audited.hashes.of(METRICS)
    if there is not None and there.sha256 == entry["sha256"]:
        return _figure((audited.root / METRICS).read_bytes())
    with audited.original(entry["path"], entry["sha256"], entry.get("bytes")) as held:
        return _figure(held.read_bytes()) if held is not None else None


def _figure(content: bytes) -> Any:
    found = json.loads(content)
    for key in SCORE:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
