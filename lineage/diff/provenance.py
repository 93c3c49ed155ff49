"""Differences in code, parameters, environment and outs between two runs, from their records."""

import difflib
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lineage.diff.changes import Changes, between
from lineage.diff.runs import Run
from lineage.files import hashes
from tasks.runtime.params import flatten

SEVERAL = "several: "

Record = Mapping[str, Any]


def code(old: Run, new: Run) -> Changes:
    """Return the changes of the modules that stages ran.

    A changed module has the number of lines ``added`` and ``removed``. Both are None if a run no longer has the
    text that the stages ran.
    """
    found = _between(old, new, lambda record: hashes(record["code"]))
    lines = {path: _lines(path, (old, new), digests) for path, digests in found.changed.items()}
    return Changes(found.added, found.removed, lines)


def parameters(old: Run, new: Run) -> Changes:
    """Return the changes of the parameters that stages read, by dotted key."""
    return _between(old, new, parameters_of)


def environment(old: Run, new: Run) -> Changes:
    """Return the changes of package versions, of ``python`` and of the lock file's hash."""
    return _between(old, new, environment_of)


def stages(old: Run, new: Run) -> Changes:
    """Return the changes of the outs' hashes, by stage."""
    return between(*({name: hashes(record["outputs"]) for name, record in run.records.items()} for run in (old, new)))


def _between(old: Run, new: Run, values: Callable[[Record], Mapping[str, Any]]) -> Changes:
    return between(*(_merged(map(values, run.records.values())) for run in (old, new)))


def _merged(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values of all stages by key; where stages of one run disagree, a text with all values."""
    found: dict[str, dict[str, Any]] = {}
    for values in records:
        for key, value in values.items():
            found.setdefault(key, {})[json.dumps(value, sort_keys=True)] = value
    return {
        key: next(iter(values.values())) if len(values) == 1 else SEVERAL + ", ".join(sorted(values))
        for key, values in found.items()
    }


def parameters_of(record: Record) -> dict[str, Any]:
    """Return the parameters of a record by dotted key."""
    # A key of the record may hold dots itself.
    return {leaf: value for key, given in record["params"].items() for leaf, value in flatten(given, key).items()}


def environment_of(record: Record) -> dict[str, Any]:
    """Return the versions of a record's packages, ``python`` and the lock file's hash."""
    found = record["environment"]
    return {**found["packages"], "python": found["python"], "requirements.lock": found["lock_sha256"]}


def _lines(path: str, runs: tuple[Run, Run], digests: list[str]) -> dict[str, int | None]:
    old, new = (_text(run, path, digest) for run, digest in zip(runs, digests, strict=True))
    if old is None or new is None:
        return {"added": None, "removed": None}
    # The first two lines of a unified diff name the files.
    marks = [line[0] for line in list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]]
    return {"added": marks.count("+"), "removed": marks.count("-")}


def _text(run: Run, path: str, digest: str) -> list[str] | None:
    data = run.read(path)
    if data is None or hashlib.sha256(data).hexdigest() != digest:
        return None
    return data.decode(errors="replace").splitlines()
