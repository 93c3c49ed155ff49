"""Append-only event log: each entry carries the hash of the entry before.

The log is ``.lineage/events.jsonl``, with one JSON object on each line. The hash of an entry is that of its line
without the hash. The predecessor of the first entry is 64 zeros. `head.json` repeats number and hash of the last entry,
which reveals a log whose end was cut off.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage import log_chain, log_head, log_lines, log_repair, log_signature, log_writing
from lineage.log_chain import Fault
from lineage.log_lines import Entry, LogError, Tail
from lineage.log_values import TEXTS
from tasks.artifacts import RECORDS
from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.errors import BreathlineError

LOG = Path(".lineage/events.jsonl")
HEAD = Path(".lineage/head.json")
BEGUN = "begun"  # first entry of a log that begins beside records of earlier runs
EXPERIMENTS = (".dvc", "tmp", "exps")  # folder in which DVC runs temporary experiments
MODELS = ("students", "teachers")  # keys of `evaluated` with the hashes of models
LOCK_TIMEOUT_S = 120.0  # an entry takes milliseconds


@dataclass(frozen=True)
class Log:
    """Event log, read and checked once."""

    entries: list[Entry]  # all entries, oldest first; those before the first line that cannot be read
    faults: list[Fault]  # entries that were changed, removed, moved, repeated, or cut off at the end
    notes: list[Fault]  # facts that contradict nothing: torn lines of processes that ended early, and repairs


def home(root: Path) -> Path:
    """Return the project whose event log gets the entries of a folder.

    A temporary experiment of DVC (``dvc exp run --temp``, ``--queue``) runs in a folder below ``.dvc/tmp/exps`` of the
    project, which DVC removes with all that it does not know.
    """
    return next((folder.parents[2] for folder in root.resolve().parents if folder.parts[-3:] == EXPERIMENTS), root)


def experiment(root: Path) -> dict[str, str]:
    """Return the key of entries with the name of the temporary experiment that runs in a folder; else empty."""
    return {} if home(root) == root else {"experiment": os.environ.get("DVC_EXP_NAME", "unnamed")}


def append(root: Path, event: Mapping[str, Any]) -> str:
    """Append an entry and return its hash; a lock serialises the processes that append.

    The line is on the disk before the head names it. After a crash in between, the log is one entry ahead of its head.
    What a crash has torn is repaired first (`log_repair`).

    Raises:
        LogError: The last complete line is not an entry.
        BreathlineError: Another process holds the lock for too long, or the key of the log cannot be used.
        DiskError: The disk refuses the entry.
    """
    from filelock import FileLock, Timeout  # with asyncio, which readers of the log do not need

    log, head = root / LOG, root / HEAD
    lock, signer = FileLock(log.with_suffix(".lock")), log_signature.signer(root)
    with disk_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = lock.acquire(timeout=LOCK_TIMEOUT_S)
        except Timeout as error:
            raise BreathlineError(
                f"Another process has held the lock of the event log for {LOCK_TIMEOUT_S:.0f} s.",
                where=lock.lock_file,
                hint="look for a stopped process of this project (`ps -o pid,stat,cmd -e`), and end or continue it",
            ) from error
        with held:
            tail = log_lines.tail_of(log)
            return log_writing.append(log, head, tail, [*_preliminaries(root, tail, event, signer), event], signer)


def _preliminaries(
    root: Path, tail: Tail, event: Mapping[str, Any], signer: log_signature.Signer | None
) -> Iterator[dict[str, Any]]:
    """Yield the entry that has to precede an event: of a repair, or of a log that begins beside earlier records."""
    if repair := log_repair.prepare(root / LOG, root / HEAD, tail, signer):
        yield {**repair, "at": now()}
    elif tail.last is None and (count := _records_of_others(root, event)):
        yield {"event": BEGUN, "at": now(), "records": count}


def _records_of_others(root: Path, event: Mapping[str, Any]) -> int:
    """Return the number of records that stages other than that of an event have left."""
    return sum(path.stem != event.get("stage") for path in (root / RECORDS).glob("*.json"))


def read(root: Path) -> list[dict[str, Any]]:
    """Return all entries, oldest first; none if there is no log. A torn last line is no entry.

    Raises:
        LogError: A complete line is not a JSON object; `check` names it.
    """
    return [entry for _, _, entry in log_lines.entries(root / LOG)]


def read_or_empty(root: Path) -> list[dict[str, Any]]:
    """Return the entries before the first line that cannot be read, which `check` reports, with `usable` values."""
    found: list[tuple[int, str, Entry]] = []
    with suppress(LogError):
        found.extend(log_lines.entries(root / LOG))
    return usable(entry for _, _, entry in found)


def usable(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return entries without the values that no stage writes; entries without a number and a hash are left out.

    So a line that was changed by hand stops no stage and no page. `check` and `lineage.verify` report it.
    """
    return [
        {key: value for key, value in entry.items() if _is_usable(key, value)}
        for entry in entries
        if log_lines.number_of(entry) and isinstance(entry.get("hash"), str)
    ]


def _is_usable(key: str, value: object) -> bool:
    if key == "adopted":
        return isinstance(value, dict) and isinstance(value.get("hash"), str)
    if key == "evaluated":
        models = [value.get(kind) for kind in MODELS] if isinstance(value, dict) else [None]
        return all(isinstance(found, list) and all(isinstance(one, str) for one in found) for found in models)
    if key == "trained":
        return isinstance(value, dict) and all(isinstance(value.get(one), str) for one in ("recipe", "model"))
    if key == "gpus":
        return isinstance(value, list) and all(isinstance(one, dict) for one in value)
    return key not in TEXTS or value is None or isinstance(value, str)


def is_success(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is the end of a successful run."""
    return entry.get("event") == "end" and entry.get("status") == "done"


def entries_by_hash(log: Iterable[Entry]) -> dict[str, Entry]:
    """Return the entries of a log by their hash, by which the end of a run names its start."""
    return {str(entry.get("hash")): entry for entry in log}


def start_of(log: Iterable[dict[str, Any]], end: Mapping[str, Any]) -> dict[str, Any]:
    """Return the start of the run that an entry ends; empty if the log does not have it."""
    return next((entry for entry in log if entry.get("hash") == end.get("start")), {})


def now() -> str:
    """Return the current time for an entry, in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def load(root: Path) -> Log:
    """Return the entries of a log with its faults: one reading for callers that need both."""
    head = log_head.read(root / HEAD)  # before the entries: a stage may append in between
    rows: list[tuple[int, str, Entry]] = []
    found, notes = [], []
    try:
        rows.extend(log_lines.entries(root / LOG))
        torn = len(log_lines.tail_of(root / LOG).torn)
        found = _end(head, rows, torn)
        if torn:
            what = f"the last line is torn ({torn} bytes): a process ended early; the next stage moves it aside"
            notes = [Fault(len(rows) + 1, what)]
    except LogError as error:
        found = [Fault(len(rows) + 1, f"the line cannot be read: {str(error).splitlines()[0]}")]
    for number, _, entry in rows:
        if told := log_repair.describe(entry):
            (found if told[1] else notes).append(Fault(number, told[0]))
    return Log([entry for _, _, entry in rows], [*log_chain.faults(rows), *found], notes)


def check(root: Path) -> list[Fault]:
    """Return the faults of the log: entries that were changed, removed, moved, repeated, or cut off at the end."""
    return load(root).faults


def _end(head: str | None, rows: list[tuple[int, str, Entry]], torn: int) -> list[Fault]:
    """Return the fault of a log whose last entry is not the one that its head names."""
    number, last = 0, None
    if rows:
        line_number, _, entry = rows[-1]
        number = log_lines.number_of(entry) or line_number
        last = {"number": number, "before": entry.get("before"), "hash": str(entry.get("hash"))}
    fault = log_head.compare(head, last, lambda: {log_lines.number_of(one): one.get("hash") for _, _, one in rows})
    if fault is None:
        return []
    prefix = "the line cannot be read: it is torn; " if fault.kind == "ahead" and torn else ""
    at = number if fault.kind == "other" else number + 1 if fault.said is None else min(number, fault.said) + 1
    return [Fault(at, prefix + fault.describe(number), fault.said if fault.kind == "ahead" else None)]
