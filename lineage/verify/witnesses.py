"""Evidence of earlier runs: records that the log or a cache holds, dvc.lock at other commits, and the run-cache."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from textwrap import indent
from typing import Any

from lineage import dvc_storage, events, lock_history, record, workspace_logs
from lineage.environment import LOCKED
from lineage.files import hashes
from lineage.git import file_at
from lineage.verify.audited_project import LOCK, AuditedProject
from lineage.verify.findings import Finding, note
from tasks.runtime import params, yaml_files
from tasks.runtime.errors import BreathlineError

CAUSES = ("command", "params", "modules", "foreign")  # keys of a record, besides inputs and code

Record = Mapping[str, Any]
Hardware = tuple[Any, ...]  # CPU, GPUs with their driver, C library and number of threads


@dataclass(frozen=True)
class Witness:
    """A run with the command, parameters, inputs and code of the current one, as one piece of evidence has it."""

    place: str  # place of the evidence, as the end of a sentence: ``at commit 1a2b3c``
    record: Record | None  # record of the run, if a cache has it
    hardware: Hardware | None  # hardware of the run, if an event log names it
    outs: Mapping[str, str] | None = None  # MD5 of each out by path, from dvc.lock or the run-cache
    locked: str | None = None  # text of requirements.lock at the commit


@dataclass(frozen=True)
class _Run:
    """Current run of a stage in the terms of dvc.lock."""

    stage: Mapping[str, Any]  # entry of dvc.lock, without the MD5 of the outs
    deps: Mapping[str, frozenset[str]]  # accepted MD5 of each dep

    def may_be(self, text: str) -> bool:
        """Return whether the text of an entry of dvc.lock may be that of this run, without reading its keys."""
        return all(any(md5 in text for md5 in accepted) for accepted in self.deps.values())

    def is_same(self, given: Mapping[str, Any]) -> bool:
        """Return whether an entry of dvc.lock has the causes of this run."""
        deps = {str(entry["path"]): str(entry["md5"]) for entry in given.get("deps", ())}
        return (
            (given.get("cmd"), given.get("params") or {}) == (self.stage["cmd"], self.stage.get("params", {}))
            and deps.keys() == self.deps.keys()
            and all(md5 in self.deps[path] for path, md5 in deps.items())
        )


class Witnesses:
    """The evidence of earlier runs of all stages of a project."""

    def __init__(self, audited: AuditedProject) -> None:
        self._audited, self._earlier = audited, audited.earlier
        self._records, self._run = cache(self._records_of), cache(self._run_of)

    def of(self, stage: str) -> Iterator[Witness]:
        """Yield the evidence of runs of a stage with the causes of the current one: that of the log first."""
        digest, records = self._current(stage), self._records(stage)
        logged = {str(entry["record"]): entry for entry in self._audited.ended.get(stage, ())}
        for earlier, entry in logged.items():
            if earlier != digest and (found := records.get(earlier, ("", None))[1]):
                yield Witness(f"in entry {entry.get('number')}", found, self.hardware(earlier))
        run = self._run(stage)
        for block in self._earlier.blocks.get(stage, ()):
            if run.may_be(block.text):
                given = self._audited.lock[stage] if block.text == self._locked.get(stage) else block.given
                if run.is_same(given) and self._has_others(given):
                    yield self._of_lock(stage, given, f"at commit {block.commit[:12]}", block.commit)
        for place, path, given in self._cached_runs(stage):
            if path.name == dvc_storage.run_hash(given) and run.is_same(given) and self._has_others(given):
                yield self._of_lock(stage, given, f"in the run-cache of {place}")
        for earlier, (place, found) in records.items():
            if earlier != digest and earlier not in logged and found is not None:
                yield Witness(f"in a record that {place} has", found, self.hardware(earlier))

    def changed_entries(self, stage: str) -> Iterator[tuple[str, Path]]:
        """Yield place and path of the entries of the run-cache for a stage whose content does not have their name."""
        for place, path, given in self._cached_runs(stage):
            if path.name != dvc_storage.run_hash(given):
                yield place, path

    def is_lost(self, stage: str) -> bool:
        """Return whether the log names an earlier run of a stage whose record no cache has."""
        ended = {entry.get("record") for entry in self._audited.ended.get(stage, ())}
        return not ended <= {self._current(stage), *self._records(stage)}

    def unasked(self) -> Iterator[Finding]:
        """Yield notes on evidence that was not read."""
        for name, url in self._earlier.unasked.items():
            what = f"runs that only this remote holds were not compared: {url} cannot be read from here"
            yield note("witness-unasked", f"remote {name}", what)
        limit = self._earlier.limit
        if limit is not None and (older := len(self._earlier.commits) - limit) > 0:
            what = f"dvc.lock was read at the newest {limit} of its commits; {older:,} are older (`--deep` reads them)"
            yield note("witness-unasked", "dvc.lock in Git", what)

    def hardware(self, digest: str) -> Hardware | None:
        """Return the hardware of the run that made a record, by its SHA-256; None if no event log has it."""
        return self._hardware.get(digest)

    def _has_others(self, given: Mapping[str, Any]) -> bool:
        """Return whether an entry of dvc.lock has other outs than the project."""
        versions = self._audited.hashes.versions
        return any(entry["md5"] not in versions(entry["path"]) for entry in given.get("outs", ()))

    @cached_property
    def _locked(self) -> dict[str, str]:
        """The lines of each stage in dvc.lock; none if the file cannot be read."""
        return dict(lock_history.split((self._audited.root / LOCK).read_text("utf-8"))) if self._audited.lock else {}

    def _current(self, stage: str) -> str:
        there = self._audited.hashes.of(record.path_of(stage))
        return there.sha256 if there else ""

    @cached_property
    def _hardware(self) -> dict[str, Hardware]:
        found: dict[str, Hardware] = {}
        others = (entries for _, entries in workspace_logs.faultless(self._audited.root, self._audited.keys))
        for log in (self._audited.events, *others):
            entries = events.entries_by_hash(log)
            for end in log:
                start = entries.get(str(end.get("start")))
                if start and isinstance(start.get("cpu"), str) and "record" in end:
                    gpus = tuple((gpu.get("name"), gpu.get("driver_version")) for gpu in start.get("gpus", ()))
                    library = str(start.get("system")).rpartition("-with-")[2]  # such as glibc2.36: its functions round
                    found.setdefault(end["record"], (start["cpu"], gpus, library, end.get("threads")))
        return found

    def _records_of(self, stage: str) -> dict[str, tuple[str, Record | None]]:
        """Return by SHA-256 the place and the content of the cached records of a stage; no content: other causes."""
        current, found = self._audited.project.records[stage], dict[str, tuple[str, Record | None]]()
        causes, there = _causes(current), self._audited.hashes.of(record.path_of(stage))
        if there is None:
            return found
        marks = [entry["sha256"].encode() for kind in ("inputs", "code") for entry in current[kind]]
        for place, stages in self._earlier.records.items():
            for path in stages.get(stage, ()):
                if path.parent.name + path.name == there.md5:
                    continue  # the current record itself
                data = path.read_bytes()
                digest = hashlib.sha256(data).hexdigest()
                if digest not in found:
                    read = json.loads(data) if all(mark in data for mark in marks) else None
                    found[digest] = place, read if read and _causes(read) == causes else None
        return found

    def _run_of(self, stage: str) -> _Run:
        found, locked = self._audited.project.records[stage], self._audited.lock.get(stage, {})
        known = {str(entry["path"]): entry for entry in locked.get("deps", ())}
        deps, accepted = [], {}
        for entry in sorted((*found["inputs"], *found["code"]), key=lambda one: one["path"]):
            path, own = entry["path"], known.get(entry["path"], {})
            versions = self._audited.hashes.versions(path) if self._audited.is_as_recorded(entry) else {}
            accepted[path] = frozenset(versions or filter(None, [own.get("md5")]))
            md5 = own.get("md5") if own.get("md5") in accepted[path] else next(iter(accepted[path]), None)
            deps.append({"path": path, "hash": "md5", **own, "md5": md5})
        outs = [{"path": path} for path in sorted(self._audited.project.stages[stage].outs)]
        given = {str(params.PARAMS): found["params"]} if found["params"] else {}
        run = {"cmd": found["command"], "deps": deps, "outs": outs}
        return _Run(run | ({"params": given} if given else {}), accepted)

    def _cached_runs(self, stage: str) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
        """Yield place, path and content of the entries of the run-cache that have the causes of a stage."""
        locked = self._locked.get(stage, "").partition("\n")[2]
        for place, one in self._earlier.caches.items():
            for path in one.runs(self._run(stage).stage):
                # DVC writes an entry as it writes the stage in dvc.lock; reading YAML is slow.
                if indent(path.read_text(encoding="utf-8", errors="replace"), "    ").rstrip() == locked:
                    yield place, path, self._audited.lock[stage]
                    continue
                try:
                    given = yaml_files.load(path)
                except BreathlineError:
                    given = None
                yield place, path, given if isinstance(given, dict) else {}

    def _of_lock(self, stage: str, given: Mapping[str, Any], place: str, commit: str | None = None) -> Witness:
        own = record.path_of(stage).as_posix()
        outs = {str(entry["path"]): str(entry["md5"]) for entry in given.get("outs", ())}
        path = self._earlier.object(outs.pop(own)) if own in outs else None
        there = self._audited.hashes.of(path) if path else None
        locked = file_at(self._audited.root, commit, LOCKED) if commit else None
        return Witness(
            place,
            json.loads(path.read_bytes()) if path else None,
            self.hardware(there.sha256) if there else None,
            outs,
            locked.decode(errors="replace") if locked is not None else None,
        )


def _causes(found: Record) -> dict[str, Any]:
    return {key: found.get(key) for key in CAUSES} | {key: hashes(found[key]) for key in ("inputs", "code")}
