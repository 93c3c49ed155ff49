"""Check for seeds of the student that the figures leave out after they were evaluated."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from typing import Any

from lineage import record, seed_runs, test_use
from lineage.seed_runs import GROUP
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note
from tasks.artifacts import METRICS, STUDENTS

Record = Mapping[str, Any]
SCORE = ("student", "val", "score_strict", "mean")  # keys of the figure that a finding quotes


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield seeds that were trained as the reported ones are, and that no current figure includes.

    Such a seed is an error if it was evaluated on the current test set: the figures are then a choice among results.
    A seed that was only trained is a note. Temporary experiments count as well.
    """
    current = audited.project.records.get(test_use.STAGE)
    if current is None:
        return
    reported = set(test_use.models_of(current, STUDENTS.as_posix()))
    stages = [name for seed in reported if (name := f"{GROUP}@{seed}") in audited.project.records]
    recipes = {seed_runs.of_record(audited.project.records[name])["recipe"] for name in stages}
    evaluations = cache(partial(_records, audited, test_use.STAGE))
    for stage, ended in audited.ended.items():
        group, _, seed = stage.partition("@")
        if group != GROUP or seed in reported:
            continue
        known = {digest: seed_runs.of_record(found) for digest, found in _records(audited, stage).items()}
        facts = [known.get(str(entry.get("record")), entry.get("trained")) for entry in ended]
        if same := {one["model"] for one in facts if one and one["recipe"] in recipes}:
            yield _omitted(audited, current, stage, same, evaluations)
        elif not all(facts):
            yield _unknown(audited, current, stage, stages)


def _omitted(
    audited: AuditedProject,
    current: Record,
    stage: str,
    models: set[str],
    evaluations: Callable[[], Mapping[str, Record]],
) -> Finding:
    """Return the finding of a seed that is in no current figure.

    Args:
        audited: Project.
        current: Record of the current evaluation.
        stage: Stage that trained the seed.
        models: Hashes of the models of the seed.
        evaluations: Function that returns the records of `evaluate` that are left, by SHA-256.
    """
    what = f"seed {stage.partition('@')[2]} was trained as the reported ones were, and no figure includes it"
    test_set = test_use.of_record(current).get("test_set")
    for entry in audited.ended.get(test_use.STAGE, ()):
        found = evaluations().get(str(entry.get("record")))
        used = entry.get("evaluated") or test_use.of_record(found or {})
        if used.get("test_set") == test_set and not models.isdisjoint(used.get("students", ())):
            what += f"; it was evaluated on this test set, in entry {entry.get('number')}"
            before, now = _score(audited, found), _score(audited, current)
            if before is not None and now is not None:
                what += f": {'.'.join(SCORE[:-1])} {before} with it, {now} without"
            what += "; report it as well, or say why it is left out"
            return Finding("run-omitted", stage, what, (test_use.STAGE,))
    return note("run-omitted", stage, f"{what}; it was not evaluated on this test set", (test_use.STAGE,))


def _unknown(audited: AuditedProject, current: Record, stage: str, reported: Iterable[str]) -> Finding:
    """Return the finding of a seed whose record is in no cache, and whose log is of an earlier version.

    An earlier dvc.lock in Git may still say how it was trained; it is an error if students that are in no figure were
    evaluated on the current test set.
    """
    what = f"seed {stage.partition('@')[2]} is in no figure, and its record is in no cache"
    now = test_use.of_record(current)
    used = [entry.get("evaluated") or {} for entry in audited.ended.get(test_use.STAGE, ())]
    others = {one for found in used if found.get("test_set") == now.get("test_set") for one in found["students"]}
    recipes = [_locked(audited.lock.get(name, {})) for name in reported]
    for block in audited.earlier.blocks.get(stage, ()) if others - set(now.get("students", ())) else ():
        if _locked(block.given) in recipes:
            what += f"; by dvc.lock at commit {block.commit[:12]}, it was trained as the reported ones were"
            what += ", and other students were evaluated on this test set; report it as well, or say why it is left out"
            return Finding("run-omitted", stage, what, (test_use.STAGE,))
    return note("run-omitted", stage, f"{what}: how it was trained is unknown", (test_use.STAGE,))


def _locked(given: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a stage of dvc.lock learned from and how; the seed is in none of it."""
    deps = {str(entry["path"]): entry.get("md5") for entry in given.get("deps", ())}
    return given.get("cmd"), given.get("params"), deps


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
