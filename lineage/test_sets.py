"""Uses of each test set: its evaluations by the event logs, and the models that were evaluated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage import events, record, test_use
from lineage.test_use import FOLDERS, STAGE
from tasks.runtime.errors import BreathlineError

Entry = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Use:
    """Facts in a record of `evaluate` that its event lacks, or that early events lacked."""

    evaluated: Mapping[str, Any]  # test set and models (`test_use.of_record`)
    cycles: int  # number of test cycles
    labels: str
    names: Mapping[str, str]  # names of models, such as ``student/1``, by hash


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """A test set, and its evaluations."""

    test_set: str | None  # SHA-256 of label set and test cycles; None for evaluations whose test set is unknown
    current: bool  # whether the current figures are on it
    cycles: int | None  # number of its cycles; None if no record of an evaluation is left
    labels: str | None
    evaluations: int  # number of runs of `evaluate`
    first: str | None  # time of the first evaluation
    last: str | None
    # the names under which each model was evaluated, by hash; none if no record of an evaluation is left
    students: Mapping[str, list[str]]
    teachers: Mapping[str, list[str]]


def use_of(found: Mapping[str, Any]) -> Use:
    """Return the use of a test set that a record of `evaluate` describes."""
    cycles = found.get("decisions", {}).get("subsets", {}).get("test", ())
    named = {kind: test_use.models_of(found, folder) for kind, folder in FOLDERS.items()}
    names = {digest: f"{kind[:-1]}/{name}" for kind, models in named.items() for name, digest in models.items()}
    labels = str(found.get("params", {}).get("labels"))
    return Use(evaluated=test_use.of_record(found), cycles=len(cycles), labels=labels, names=names)


def read(root: Path, logs: Iterable[Iterable[Entry]], uses: Mapping[str, Use]) -> tuple[TestSet, ...]:
    """Return the test sets, the current one first, then by the time of the first evaluation.

    Args:
        root: Root of the project.
        logs: Entries of each event log.
        uses: Known uses by the SHA-256 of the record of `evaluate`.
    """
    current = _current(root)
    ends: dict[str | None, list[tuple[Entry, Use | None]]] = {}
    for end in (entry for log in logs for entry in log if entry.get("stage") == STAGE and events.is_success(entry)):
        # A run that was adopted from another log is in both.
        use = uses.get(str(end.get("record")))
        evaluated = end.get("evaluated") or (use.evaluated if use else {})
        ends.setdefault(evaluated.get("test_set"), []).append((end, use))
    found = [_test_set(digest, _once(pairs), current) for digest, pairs in ends.items()]
    return tuple(sorted(found, key=lambda one: (not one.current, one.test_set is None, one.first or "")))


def _current(root: Path) -> str | None:
    """Return the test set of the current figures; None without a record that can be read."""
    try:
        return test_use.of_record(record.read(root, STAGE) or {}).get("test_set")
    except (BreathlineError, OSError):
        return None


def _once(pairs: Iterable[tuple[Entry, Use | None]]) -> list[tuple[Entry, Use | None]]:
    """Return each run once: that of another log is left out where a log has adopted it."""
    pairs = list(pairs)
    adopted = {end["adopted"]["hash"] for end, _ in pairs if "adopted" in end}
    return [(end, use) for end, use in pairs if end.get("hash") not in adopted]


def _test_set(digest: str | None, pairs: list[tuple[Entry, Use | None]], current: str | None) -> TestSet:
    times = sorted(str(end["at"]) for end, _ in pairs if "at" in end)
    known = [use for _, use in pairs if use is not None]
    models: dict[str, dict[str, list[str]]] = {kind: {} for kind in FOLDERS}
    for end, use in pairs:
        for kind, found in models.items():
            evaluated = end.get("evaluated") or (use.evaluated if use else {})
            for model in evaluated.get(kind, ()):
                names = found.setdefault(model, [])
                name = use.names.get(model) if use else None
                if name is not None and name not in names:
                    names.append(name)
    return TestSet(
        test_set=digest,
        current=digest is not None and digest == current,
        cycles=known[0].cycles if known else None,
        labels=known[0].labels if known else None,
        evaluations=len(pairs),
        first=times[0] if times else None,
        last=times[-1] if times else None,
        students=models["students"],
        teachers=models["teachers"],
    )
