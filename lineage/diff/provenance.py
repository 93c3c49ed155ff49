"""What differs in how two runs were made: code, parameters, environment. It is read off their records."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from lineage.diff.changes import Changes, between
from lineage.diff.runs import Side
from lineage.files import flat as files_of
from tasks.runtime.params import flatten

SEVERAL = "several: "


def code(old: Side, new: Side) -> Changes:
    """Return the project's modules that differ; a changed one as lines ``added`` and ``removed``, where both are known.

    A module is the one that the stages ran. Its text is known where the side still has that very file.
    """
    sides = [_joined((path, file["sha256"]) for path, file in _modules(side)) for side in (old, new)]
    found = between(*sides)
    return Changes(
        found.added,
        found.removed,
        {path: _lines(path, (old, new), digests) for path, digests in found.changed.items()},
    )


def parameters(old: Side, new: Side) -> Changes:
    """Return the parameters that differ, by dotted key, as the stages have read them."""
    return between(*(_joined(leaf for found in side.records.values() for leaf in _read(found)) for side in (old, new)))


def environment(old: Side, new: Side) -> Changes:
    """Return the packages that differ in their version, with ``python`` and the lock file's hash."""
    return between(
        *(_joined(pair for found in side.records.values() for pair in _installed(found)) for side in (old, new))
    )


def stages(old: Side, new: Side) -> Changes:
    """Return the stages that differ in what they made, by the hashes of their outs."""
    return between(*({name: _outs(found) for name, found in side.records.items()} for side in (old, new)))


def _modules(side: Side) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for found in side.records.values():
        yield from files_of(found["code"]).items()


def _read(record: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for key, value in record["params"].items():
        yield from flatten(value, key).items()


def _installed(record: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    environment = record["environment"]
    yield from environment["packages"].items()
    yield "python", environment["python"]
    yield "requirements.lock", environment["lock_sha256"]


def _outs(record: Mapping[str, Any]) -> dict[str, str]:
    return {path: file["sha256"] for path, file in files_of(record["outputs"]).items()}


def _joined(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return values by key; where stages of one run do not agree, all of them, and not the last by chance."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in pairs:
        found.setdefault(key, {})[json.dumps(value, sort_keys=True)] = value
    return {
        key: next(iter(values.values())) if len(values) == 1 else SEVERAL + ", ".join(sorted(values))
        for key, values in found.items()
    }


def _lines(path: str, sides: tuple[Side, Side], digests: list[str]) -> dict[str, int | None]:
    old, new = (_text(side, path, digest) for side, digest in zip(sides, digests, strict=True))
    if old is None or new is None:
        return {"added": None, "removed": None}
    # The first two lines of a unified diff name the files.
    marks = [line[0] for line in list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]]
    return {"added": marks.count("+"), "removed": marks.count("-")}


def _text(side: Side, path: str, digest: str) -> list[str] | None:
    data = side.read(path)
    if data is None or hashlib.sha256(data).hexdigest() != digest:
        return None
    return data.decode(errors="replace").splitlines()
