"""Check for runs of a stage that made different outs from equal inputs."""

from collections.abc import Iterator, Mapping
from typing import Any

from lineage import cached_records, events, record
from lineage.files import by_path, hashes
from lineage.verify.audited_project import AuditedProject
from lineage.verify.event_log import done
from lineage.verify.findings import Finding, note

CAUSES = ("command", "params", "modules", "environment")  # keys of a record, besides inputs and code

Record = Mapping[str, Any]


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield runs with equal inputs, parameters, code and packages and with different outs.

    Such a pair is an error where the records promise determinism and both runs had the same hardware: one of the
    records is false, or one result was picked. Otherwise the pair is a note. Earlier records come from DVC's cache.
    """
    again = {stage: ended for stage, ended in done(audited).items() if len({entry["record"] for entry in ended}) > 1}
    wanted = {entry["record"] for ended in again.values() for entry in ended}
    known = cached_records.read(audited.cache, wanted)
    lost: list[str] = []
    for stage, ended in again.items():
        current = audited.project.records.get(stage)
        there = audited.hashes.of(record.path_of(stage))
        if current is None or there is None:
            continue
        runs = {entry["record"]: entry for entry in ended}
        for digest, entry in runs.items():
            if digest == there.sha256:
                continue
            if digest not in known:
                lost.append(stage)
            elif _causes(known[digest]) == _causes(current) and _outs(known[digest]) != _outs(current):
                yield _different(audited, stage, entry, runs.get(there.sha256, {}), known[digest])
    if lost:
        stages = ", ".join(dict.fromkeys(lost))
        what = f"earlier records are no longer in the cache, so that their outs cannot be compared: {stages}"
        yield note("runs-unknown", stages, what)


def _different(
    audited: AuditedProject, stage: str, entry: Mapping[str, Any], now: Mapping[str, Any], earlier: Record
) -> Finding:
    current = audited.project.records[stage]
    others = sorted(path for path, digest in _outs(current).items() if _outs(earlier).get(path) != digest)
    promised = current["params"].get("compute", {}).get("deterministic", True)
    same = _hardware(audited, entry) == _hardware(audited, now)
    numbers = f"entries {entry.get('number')} and {now.get('number', '?')}"
    why = "on the same hardware" if same else "on different hardware"
    why += "" if promised else ", without a promise of determinism"
    what = f"two runs with equal inputs gave different outs {why} ({numbers}): {others[0]}"
    return Finding("run-repeated", stage, what, (stage,), "error" if promised and same else "note")


def _hardware(audited: AuditedProject, end: Mapping[str, Any]) -> Any:
    started = events.start_of(audited.events, end)
    gpus = [gpu.get("name") for gpu in started.get("gpus", [])]
    return started.get("cpu"), gpus, end.get("threads")


def _causes(found: Record) -> dict[str, Any]:
    return {key: found.get(key) for key in CAUSES} | {key: hashes(found[key]) for key in ("inputs", "code")}


def _outs(found: Record) -> dict[str, str]:
    """Return the content hash of each file, or the SHA-256 of a file without one, by path."""
    return {path: file.get("content", file["sha256"]) for path, file in by_path(found["outputs"]).items()}
