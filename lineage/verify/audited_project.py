"""Everything that a verification reads, each once: graph, records, dvc.lock, event log, tables and file hashes."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pyarrow as pa

from lineage import dvc_storage, events, files, graph, lock_history, log_signature, record, workspace_logs
from lineage.git import file_at
from lineage.log_signature import Keys
from lineage.project import Project
from lineage.verify.earlier_versions import EarlierVersions
from lineage.verify.file_hashes import FileHashes
from lineage.verify.findings import Finding
from models import file_reading
from models.decision_rules import DecisionRule
from models.file_names import CARD
from models.file_reading import UnreadableFileError
from tasks.artifacts import CYCLES, EXTERNAL_CORPORA, STUDENTS, TEACHERS, CorpusFolders
from tasks.evaluation import model_rules
from tasks.runtime import params
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError
from tasks.subsets import assignment, splits
from tasks.subsets.assignment import Assignment

LOCK = dvc_storage.LOCK
KEYS: Mapping[str, type] = {**record.KEYS, "account": dict, "decisions": dict}
BROKEN_LOCK = (BreathlineError, KeyError, TypeError, AttributeError, ValueError)


class AuditedProject:
    """A project with its evidence. What cannot be read is left out and listed in `unreadable`.

    Args:
        root: Root of the project.
        log_keys: Public keys (PEM) of all who may sign entries of event logs; none if the logs are not signed.
        whole_history: Whether dvc.lock is read at all commits, not only at the newest ones.

    Raises:
        BreathlineError: dvc.yaml or params.yaml cannot be read.
    """

    def __init__(self, root: Path, log_keys: Sequence[Path] = (), *, whole_history: bool = False) -> None:
        self.root = root
        self._whole_history = whole_history
        self._log_keys = log_keys
        self.hashes = FileHashes(root)
        self.unreadable: list[Finding] = []
        self._assignments: dict[str, Assignment] = {}
        self.values = params.read(root / "params.yaml")
        self._graph = params.read(root / "dvc.yaml")
        stages = graph.stages(self.values, self._graph)
        read = ((name, self._record(name)) for name in stages)
        self.project = Project(root, stages, {name: found for name, found in read if found is not None})

    def _record(self, stage: str) -> dict[str, Any] | None:
        path = record.path_of(stage)
        try:
            if not (self.root / path).is_file():
                return None
            found = file_reading.read_json(self.root / path, KEYS)
            for key in ("inputs", "outputs", "code"):
                if not all({"path", "sha256"} <= set(file) for file in files.by_path(found[key]).values()):
                    raise ValueError(f"an entry of `{key}` has no path or hash")
        except (ValueError, TypeError, KeyError) as error:
            reason = error.reason if isinstance(error, UnreadableFileError) else one_line(error)
            what = f"the record cannot be read: {reason}"
            self.unreadable.append(Finding("record-unreadable", str(path), what, (stage,)))
            return None
        return found

    @cached_property
    def lock(self) -> Mapping[str, Mapping[str, Any]]:
        """The stages of dvc.lock by name; empty if the file is missing or cannot be read."""
        path = self.root / LOCK
        if not path.is_file():
            return {}
        try:
            lock = dvc_storage.read_lock(path)
            entries = (entry for stage in lock.values() for kind in ("deps", "outs") for entry in stage.get(kind, ()))
            if not all(isinstance(entry["path"], str) and isinstance(entry["md5"], str) for entry in entries):
                raise ValueError("an entry has no path or MD5")
        except BROKEN_LOCK as error:
            what = f"dvc.lock cannot be read: {one_line(error)}"
            self.unreadable.append(Finding("lock-unreadable", LOCK, what, self.project.order))
            return {}
        return lock

    @cached_property
    def committed(self) -> set[tuple[str, str]]:
        """Path and MD5 of every out in the last commit's dvc.lock; empty if Git has no readable one."""
        try:
            head, path = file_at(self.root, "HEAD", LOCK) or b"", self.root / LOCK
            equal = path.is_file() and path.read_bytes() == head
            lock = self.lock if equal else dvc_storage.read_lock(head)
            return {(path, md5) for _, path, md5 in dvc_storage.entries(lock, "outs")}
        except BROKEN_LOCK:
            return set()

    @cached_property
    def log(self) -> events.Log:
        """The event log with its faults."""
        return events.load(self.root)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The entries of the event log; those before the first line that cannot be read."""
        return self.log.entries

    @cached_property
    def workspace_runs(self) -> workspace_logs.Runs:
        """The folder of each run in the logs of workspaces, by stage and record; with keys, in signed logs only."""
        return workspace_logs.runs(self.root, self.keys)

    @cached_property
    def keys(self) -> Keys:
        """The public keys of all who may sign entries of event logs, by id.

        Raises:
            BreathlineError: A key cannot be used.
        """
        return log_signature.read_keys(self._log_keys)

    def known(self, stage: str) -> tuple[str, ...]:
        """Return a stage if dvc.yaml has it, for the stages of a finding."""
        return (stage,) if stage in self.project.stages else ()

    @cached_property
    def cache(self) -> dvc_storage.Cache:
        """DVC's local cache."""
        return dvc_storage.cache_of(self.root)

    @cached_property
    def uncached(self) -> set[str]:
        """The outs that dvc.yaml excludes from the cache: small files that Git tracks."""
        given = self._graph["stages"].values()
        entries = (entry for stage in given for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, ()))
        pairs = (pair for entry in entries if isinstance(entry, Mapping) for pair in entry.items())
        return {path for path, options in pairs if options.get("cache") is False}

    def is_as_recorded(self, described: Mapping[str, Any]) -> bool:
        """Return whether a path, and nothing else in a folder, is as its description in a record says."""
        parts = files.own_files(described)
        if "files" in described and len(self.hashes.listing(described["path"])) != len(parts):
            return False
        digests = ((self.hashes.of(part["path"]), part["sha256"]) for part in parts)
        return all(there is not None and there.sha256 == recorded for there, recorded in digests)

    @cached_property
    def ended(self) -> dict[str, list[dict[str, Any]]]:
        """The entries of successful ends and of outs that were restored, by stage, oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for entry in self.events:
            if entry.get("event") == "restored" or events.is_success(entry):
                found.setdefault(str(entry.get("stage")), []).append(entry)
        return found

    @cached_property
    def earlier(self) -> EarlierVersions:
        """Earlier versions of the outs."""
        return EarlierVersions(self.root, self.hashes, None if self._whole_history else lock_history.LIMIT)

    @contextmanager
    def original(self, path: str, sha256: str, size: int | None = None) -> Iterator[Path | None]:
        """Yield a file with the recorded content of a path, from a cache or Git; None if nothing here has it.

        Args:
            path: Path of the file in the project.
            sha256: SHA-256 of the wanted content.
            size: Its size in bytes, if known: it finds an object that no dvc.lock names.
        """
        for held in self._candidates(path, size):
            if (found := self.hashes.of(held)) and found.sha256 == sha256:
                yield held
                return
        with self.in_git(path, sha256) as committed:
            yield committed

    @contextmanager
    def in_git(self, path: str, digest: str) -> Iterator[Path | None]:
        """Yield a file with the SHA-256 or MD5 of a small report, from Git; None if Git does not have it."""
        kind = "md5" if len(digest) == len(hashlib.md5(usedforsecurity=False).hexdigest()) else "sha256"
        versions = self.earlier.in_git(path) if path in self.uncached else ()
        data = next(
            (one for one in versions if hashlib.new(kind, one, usedforsecurity=False).hexdigest() == digest), None
        )
        if data is None:
            yield None
            return
        with NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield Path(file.name)

    def _candidates(self, path: str, size: int | None) -> Iterator[Path]:
        """Yield the objects that may hold a file of the project: those that a dvc.lock names, and all of its size."""
        if md5 := self._md5_of_outs.get(path):
            yield self.cache.object(md5)
        yield from self.earlier.of(path, self.project.maker(path))
        if size is not None:
            yield from self.earlier.of_size(size)

    @cached_property
    def _md5_of_outs(self) -> dict[str, str]:
        """The MD5 of each file of all outs, except in folders whose listing the cache does not hold."""
        found: dict[str, str] = {}
        for _, path, md5 in dvc_storage.entries(self.lock, "outs"):
            found |= self.cache.files(path, md5)
        return found

    def table(self, path: Path) -> pa.Table:
        """Return a Parquet table of the project."""
        return read_table(self.root / path)

    def json(self, path: Path | str) -> Any:
        """Return the value of a JSON file of the project."""
        return read_json(self.root / path)

    @property
    def extracted(self) -> list[CorpusFolders]:
        """The corpora of both roles whose tables have a record, those to learn from first."""
        return [corpus for corpus in self.project.corpora if corpus.stage("extract") in self.project.records]

    def tested(self, labels: str) -> dict[CorpusFolders, list[str]]:
        """Return the sorted ids of the cycles of each external corpus that its tables and test give."""
        found = {}
        for name, test in self.json(EXTERNAL_CORPORA).items() if (self.root / EXTERNAL_CORPORA).is_file() else ():
            corpus = CorpusFolders("external", name)
            cycles = self.table(corpus.tables / CYCLES.name)
            mask = splits.cycles_to_test(cycles, labels=labels, split=test, where=f"external.{name}.test")
            found[corpus] = sorted(cycles.filter(pa.array(mask))["cycle_id"].to_pylist())
        return found

    def decision_rules(self, native: str | None = None) -> dict[tuple[str, str], DecisionRule]:
        """Return the decision rules of the models that `evaluate` judged, by model and selection, from their cards.

        A model without a card is absent, as is the ensemble without the card of a member: another check finds it.

        Args:
            native: Corpus whose head's own classes are predicted; None for the shared classes.
        """
        found = self.project.records["evaluate"]
        given = found["params"]
        folders = {f"teacher/{name}": self.root / TEACHERS / name for name in given["teachers"]}
        folders |= {f"student/{seed}": self.root / STUDENTS / str(seed) for seed in given["student.seeds"]}
        folders = {name: folder for name, folder in folders.items() if (folder / CARD).is_file()}
        members = found["decisions"]["ensemble"]
        known = members if set(members) <= folders.keys() else []
        return model_rules.read(folders, known, given["selections"], native)

    def assignment(self, stage: str) -> Assignment:
        """Return the assignment of cycles to subsets that the tables give for the recorded parameters of a stage."""
        given = self.project.records[stage]["params"]
        key = json.dumps([given[name] for name in ("labels", "heads", "split", "validation")])
        if key not in self._assignments:
            self._assignments[key] = assignment.from_params(given, self.root / CYCLES)
        return self._assignments[key]
