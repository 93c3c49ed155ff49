"""Stages that ran more than once under one name, and made something else of the same inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lineage import files
from lineage.record import path_of
from lineage.verify.audited_project import Tree
from lineage.verify.event_log import done
from lineage.verify.findings import Finding

LARGEST = 1 << 26  # bytes; records are far smaller
MAKING = ("command", "inputs", "params", "modules", "code", "environment")

Record = Mapping[str, Any]


def check(tree: Tree) -> Iterator[Finding]:
    """Yield runs of equal inputs, parameters, code and packages with different outs.

    An error where the records promise determinism and both ran on the same hardware: then one of both was not made as
    its record says, or one was picked. Otherwise a note. Earlier records are those that the cache keeps.
    """
    again = {stage: ended for stage, ended in done(tree).items() if len({entry["record"] for entry in ended}) > 1}
    wanted = {entry["record"] for ended in again.values() for entry in ended}
    known = _from_cache(tree, wanted) if wanted else {}
    lost: list[str] = []
    for stage, ended in again.items():
        current = tree.project.records.get(stage)
        there = tree.hashes.of(path_of(stage).as_posix())
        if current is None or there is None:
            continue
        runs = {entry["record"]: entry for entry in ended}
        for digest, entry in runs.items():
            if digest == there.sha256:
                continue
            if digest not in known:
                lost.append(stage)
            elif _made_of(known[digest]) == _made_of(current) and _outs(known[digest]) != _outs(current):
                yield _different(tree, stage, entry, runs.get(there.sha256, {}), known[digest])
    if lost:
        what = f"earlier records are no longer in the cache, so that their outs cannot be compared: {_listed(lost)}"
        yield Finding(kind="runs-unknown", where=", ".join(dict.fromkeys(lost)), what=what, severity="note")


def _listed(stages: Collection[str]) -> str:
    return ", ".join(dict.fromkeys(stages))


def _different(tree: Tree, stage: str, entry: Mapping[str, Any], now: Mapping[str, Any], earlier: Record) -> Finding:
    current = tree.project.records[stage]
    others = sorted(path for path, digest in _outs(current).items() if _outs(earlier).get(path) != digest)
    promised = current["params"].get("compute", {}).get("deterministic", True)
    same = _hardware(tree, entry) == _hardware(tree, now)
    numbers = f"entries {entry.get('number')} and {now.get('number', '?')}"
    why = "on the same hardware" if same else "on different hardware"
    why += "" if promised else ", without a promise of determinism"
    what = f"it ran again under the same name, and equal inputs gave different outs {why} ({numbers}): {others[0]}"
    severity: Any = "error" if promised and same else "note"
    return Finding(kind="run-repeated", where=stage, what=what, stages=(stage,), severity=severity)


def _hardware(tree: Tree, end: Mapping[str, Any]) -> Any:
    started = next((entry for entry in tree.events if entry.get("hash") == end.get("start")), {})
    gpus = [gpu.get("name") for gpu in started.get("gpus", [])]
    return started.get("cpu"), gpus, end.get("threads")


def _made_of(found: Record) -> dict[str, Any]:
    made = {key: found.get(key) for key in MAKING if key not in ("inputs", "code")}
    return made | {key: _hashes(found[key]) for key in ("inputs", "code")}


def _outs(found: Record) -> dict[str, str]:
    return _hashes(found["outputs"])


def _hashes(described: list[dict[str, Any]]) -> dict[str, str]:
    return {path: file["sha256"] for path, file in files.flat(described).items()}


def _from_cache(tree: Tree, wanted: Collection[str]) -> dict[str, Record]:
    """Return the records with these SHA-256 among the cache's objects: their names are MD5, each has to be read."""
    found: dict[str, Record] = {}
    for path in tree.cache.glob("??/*"):
        if path.suffix == ".dir" or path.stat().st_size > LARGEST:
            continue
        with path.open("rb") as file:
            start = file.read(1)
            if start != b"{":
                continue
            data = start + file.read()
        digest = hashlib.sha256(data).hexdigest()
        if digest in wanted:
            found[digest] = json.loads(data)
    return found
