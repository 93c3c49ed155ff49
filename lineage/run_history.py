"""History of a project: all runs, the uses of each test set, and the seeds that no figure reports.

The facts come from the event logs of the project and of its workspaces, and from the records that these name.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lineage import (
    cached_records,
    dvc_storage,
    error_texts,
    events,
    log_values,
    run_changes,
    seed_runs,
    test_sets,
    test_use,
    workspace_logs,
)
from lineage.run_changes import RunChanges, RunFacts
from lineage.seed_runs import SeedRuns
from lineage.test_sets import TestSet
from tasks.artifacts import RECORDS
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tasks.runtime.words import counted, listed

HERE = "."  # name of the project's own log
STARTS = ("start", "restored")
OTHERS = ("withdrawn",)  # events without a stage that belong to the history

Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class LoggedRun:
    """A run of a stage, by its start and its end in an event log."""

    log: str  # folder of the log, relative to the project
    number: int  # number of the entry of its start
    stage: str | None  # None for an event that is no run
    event: str  # run, restored (DVC copied the outs of a run elsewhere), or withdrawn (a patient)
    at: str | None
    user: str | None
    host: str | None
    started_by: str | None  # dvc, hand
    experiment: str | None  # name of a temporary experiment of DVC
    status: str  # done, failed, unfinished
    seconds: float | None
    error: str | None
    record: str | None  # SHA-256 of the record
    test_set: str | None  # of `evaluate`: SHA-256 of the tested cycles and labels


@dataclass(frozen=True, kw_only=True)
class History:
    """Runs of a project and what they tell about its study."""

    runs: tuple[LoggedRun, ...]  # by log, oldest first
    changes: Mapping[tuple[str, int], str | RunChanges]  # by log and number; a text where they are unknown
    test_sets: tuple[TestSet, ...]
    seeds: tuple[SeedRuns, ...]
    faults: Mapping[str, int]  # number of faults of each log that was altered

    def as_json(self) -> dict[str, Any]:
        """Return the history as JSON values."""
        runs = [asdict(run) | {"changed": _as_json(self.changes.get((run.log, run.number)))} for run in self.runs]
        tables = {"test_sets": [asdict(one) for one in self.test_sets], "seeds": [asdict(one) for one in self.seeds]}
        return {"runs": runs, **tables, "faults": dict(self.faults)}


def read(root: Path, stage: str | None = None, *, most: int | None = None) -> History:
    """Return the history of a project and its workspaces.

    Args:
        root: Root of the project.
        stage: Name of a stage, or of a group of stages such as ``train_student``; None for all.
        most: Number of the last runs whose changes are found; None for all. Their records are searched in DVC's cache.

    Raises:
        BreathlineError: There is no event log, or no run of the stage.
    """
    folders = {HERE: root} | {_name(root, folder): folder for folder in workspace_logs.others(root)}
    loaded = {name: events.load(folder) for name, folder in folders.items()}
    faults = {name: len(log.faults) for name, log in loaded.items() if log.faults}
    logs = {name: [log_values.typed(*one) for one in enumerate(log.entries, 1)] for name, log in loaded.items()}
    if not any(logs.values()) and not faults:
        hint = "the log begins with the first stage: `breathline run`; a clone has no log of another machine"
        raise BreathlineError("There is no event log.", where=root / events.LOG, hint=hint)
    every = [run for name, entries in logs.items() for run in _runs(name, folders[name], entries, logs[HERE])]
    runs = [run for run in every if stage is None or stage in (run.stage, str(run.stage).partition("@")[0])]
    if not runs and (stage or not faults):
        known = {run.stage for run in every if run.stage}
        groups = sorted(known | {name.partition("@")[0] for name in known})
        names = get_close_matches(stage or "", groups, n=3) or groups
        raise BreathlineError(f"No run of `{stage}` is in the log.", where="--stage", hint=f"try {listed(names, 20)}")
    pairs = dict(_predecessors(every, runs if most is None else runs[-most:]))
    ends = [run.record for run in every if run.record and run.stage == test_use.STAGE]
    wanted = {run.record for pair in pairs.items() for run in pair if run and run.record} | set(ends)
    facts, uses = _facts(folders.values(), root, wanted)
    return History(
        runs=tuple(runs),
        changes={(run.log, run.number): _changes(run, before, facts) for run, before in pairs.items()},
        test_sets=test_sets.read(root, logs.values(), uses) if stage in (None, test_use.STAGE) else (),
        seeds=tuple(
            one
            for name, folder in folders.items()
            for one in seed_runs.read(folder, name, logs[name])
            if stage in (None, seed_runs.GROUP, f"{seed_runs.GROUP}@{one.seed}")
        ),
        faults=faults,
    )


def _name(root: Path, folder: Path) -> str:
    """Return the name of a workspace's log: its folder below the project, or the whole path elsewhere."""
    folder = folder.resolve()
    return folder.relative_to(root.resolve()).as_posix() if folder.is_relative_to(root.resolve()) else str(folder)


def _runs(log: str, folder: Path, entries: Iterable[Entry], own: Iterable[Entry]) -> Iterator[LoggedRun]:
    """Yield the runs of a log; without those that the project's own log has adopted."""
    adopted = {entry["adopted"]["hash"] for entry in own if "adopted" in entry} if log != HERE else set()
    entries = list(entries)
    ends = {entry.get("start"): entry for entry in entries if entry.get("event") == "end"}
    for entry in entries:
        kind = entry.get("event")
        if kind not in (*STARTS, *OTHERS) or entry.get("hash") in adopted:
            continue
        end = entry if kind != "start" else ends.get(entry.get("hash"), {})
        started = ("stage", "at", "user", "host", "started_by", "experiment")
        yield LoggedRun(
            log=log,
            number=entry["number"],
            event="run" if kind == "start" else str(kind),
            **{key: entry.get(key) for key in started},
            status="done" if kind != "start" else str(end.get("status", "unfinished")),
            **{key: end.get(key) for key in ("seconds", "record")},
            error=error_texts.read(folder, end),
            test_set=end.get("evaluated", {}).get("test_set"),
        )


def _predecessors(every: Iterable[LoggedRun], wanted: Collection[LoggedRun]) -> Iterator[tuple[LoggedRun, Any]]:
    """Yield each wanted run that has a record, and the run of the same stage before it in its log."""
    chosen = {(run.log, run.number) for run in wanted}
    last: dict[tuple[str, str | None], LoggedRun] = {}
    for run in every:
        if run.record is None:
            continue
        if (run.log, run.number) in chosen:
            yield run, last.get((run.log, run.stage))
        last[run.log, run.stage] = run


def _facts(
    folders: Iterable[Path], root: Path, wanted: Collection[str]
) -> tuple[dict[str, RunFacts], dict[str, test_sets.Use]]:
    """Return the facts of records by SHA-256, and those of `evaluate` about its test set: from files, or the cache."""
    facts: dict[str, RunFacts] = {}
    uses: dict[str, test_sets.Use] = {}
    found = {sha256(path): path for folder in folders for path in sorted((folder / RECORDS).glob("*.json"))}
    files = {digest: path for digest, path in found.items() if digest in wanted}
    left = set(wanted) - files.keys()
    for digest, record in (*cached_records.of_files(files), *cached_records.find(dvc_storage.cache_of(root), left)):
        # A damaged record, or another file of its name, has no facts: its changes are shown as unknown.
        with suppress(KeyError, TypeError, AttributeError):
            facts[digest] = run_changes.facts_of(record)
            if record["stage"] == test_use.STAGE:
                uses[digest] = test_sets.use_of(record)
    return facts, uses


def _changes(run: LoggedRun, before: LoggedRun | None, facts: Mapping[str, RunFacts]) -> str | RunChanges:
    if before is None:
        return "first run"
    if before.record == run.record:
        return "nothing, with equal outs"
    old, new = facts.get(str(before.record)), facts.get(str(run.record))
    if old is None or new is None:
        return f"unknown: {counted([old, new].count(None), 'record')} no longer in the cache, or damaged"
    return run_changes.between(old, new)


def _as_json(found: str | RunChanges | None) -> Any:
    return asdict(found) if isinstance(found, RunChanges) else found
