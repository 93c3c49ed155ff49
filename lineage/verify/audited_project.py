"""All that a verification reads, each once: graph, records, dvc.lock, the event log, and hashes of what lies there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lineage import events, files, graph, record
from lineage.diff.runs import cache_of
from lineage.git import ask_git
from lineage.project import Project
from lineage.verify.file_hashes import Hashes
from lineage.verify.findings import Finding
from tasks.artifacts import CYCLES
from tasks.runtime import params
from tasks.subsets import splits

LOCK = "dvc.lock"
SPLIT = ("labels", "split", "validation")
KINDS: Mapping[str, type] = {
    "stage": str,
    "command": str,
    "inputs": list,
    "outputs": list,
    "params": dict,
    "modules": dict,
    "code": list,
    "environment": dict,
    "account": dict,
}


class Tree:
    """A project with its evidence; what cannot be read is left out, and named in `unreadable`.

    Args:
        root: The project.

    Raises:
        BreathlineError: dvc.yaml or params.yaml cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hashes = Hashes(root)
        self.unreadable: list[Finding] = []
        self._subsets: dict[str, dict[str, str]] = {}
        self.values = params.read(root / "params.yaml")
        stages = graph.read(root)
        read = ((name, self._record(name)) for name in stages)
        self.project = Project(root, stages, {name: found for name, found in read if found is not None})

    def _record(self, stage: str) -> dict[str, Any] | None:
        path = record.path_of(stage)
        try:
            found = record.read(self.root, stage)
            if found is None:
                return None
            if not isinstance(found, dict):
                raise ValueError("it is no JSON object")
            for key, kind in KINDS.items():
                if not isinstance(found.get(key), kind):
                    raise ValueError(f"`{key}` is missing, or no {kind.__name__}")
            for key in ("inputs", "outputs", "code"):
                if not all({"path", "sha256"} <= set(file) for file in files.flat(found[key]).values()):
                    raise ValueError(f"an entry of `{key}` has no path or hash")
        except (ValueError, TypeError, KeyError) as error:
            what = f"the record cannot be read: {error}"
            self.unreadable.append(Finding(kind="record-unreadable", where=str(path), what=what, stages=(stage,)))
            return None
        return found

    @cached_property
    def lock(self) -> Mapping[str, Mapping[str, Any]]:
        """The stages of dvc.lock, by name; empty where there is none or it cannot be read."""
        path = self.root / LOCK
        if not path.is_file():
            return {}
        try:
            loaded = YAML(typ="safe").load(path)["stages"]
            entries = (entry for stage in loaded.values() for kind in ("deps", "outs") for entry in stage.get(kind, ()))
            if not all(isinstance(entry["path"], str) and isinstance(entry["md5"], str) for entry in entries):
                raise ValueError("an entry has no path or MD5")
        except (YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"dvc.lock cannot be read: {str(error).splitlines()[0]}"
            self.unreadable.append(Finding(kind="lock-unreadable", where=LOCK, what=what, stages=self.project.order))
            return {}
        return dict(loaded)

    @cached_property
    def committed(self) -> set[tuple[str, str]]:
        """Path and MD5 of every out that the last commit's dvc.lock names; none where Git holds no readable one."""
        text = ask_git(self.root, "show", f"HEAD:./{LOCK}") or "{}"
        try:
            stages = (YAML(typ="safe").load(text).get("stages") or {}).values()
            return {(entry["path"], entry["md5"]) for stage in stages for entry in stage.get("outs", ())}
        except (YAMLError, KeyError, TypeError, AttributeError):
            return set()

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The entries of the event log; empty where there is none or it cannot be read, which `log` tells."""
        try:
            return events.read(self.root)
        except ValueError:
            return []

    @cached_property
    def cache(self) -> Path:
        """The folder of DVC's objects by MD5."""
        return cache_of(self.root) / "files" / "md5"

    def object(self, md5: str) -> Path:
        """Return where DVC's cache keeps what has this MD5."""
        return self.cache / md5[:2] / md5[2:]

    def locked(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield stage, ``deps`` or ``outs``, path and MD5 of every entry of dvc.lock."""
        for stage, given in self.lock.items():
            for kind in ("deps", "outs"):
                for entry in given.get(kind, ()):
                    yield stage, kind, entry["path"], entry["md5"]

    @cached_property
    def uncached(self) -> set[str]:
        """The outs that dvc.yaml keeps out of the cache: small files that Git holds."""
        given = params.read(self.root / "dvc.yaml")["stages"].values()
        entries = (entry for stage in given for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, ()))
        pairs = (pair for entry in entries if isinstance(entry, Mapping) for pair in entry.items())
        return {path for path, options in pairs if options.get("cache") is False}

    @contextmanager
    def original(self, path: str, sha256: str) -> Iterator[Path | None]:
        """Yield a file with what a path held when it had this hash, from DVC's cache or Git; none if neither has it."""
        md5 = self._locked_files.get(path)
        if md5 and (found := self.hashes.of(self.object(md5))) and found.sha256 == sha256:
            yield self.object(md5)
            return
        text = ask_git(self.root, "show", f"HEAD:./{path}") if path in self.uncached else None
        data = f"{text}\n".encode()  # the stages' texts end with a line
        if hashlib.sha256(data).hexdigest() != sha256:
            yield None
            return
        with NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield Path(file.name)

    @cached_property
    def _locked_files(self) -> dict[str, str]:
        """The MD5 of each file of all outs, as far as the cache still has the listings of folders."""
        found: dict[str, str] = {}
        for _, kind, path, md5 in self.locked():
            if kind == "outs":
                found |= {path: md5} if not md5.endswith(".dir") else self.members(path, md5)
        return found

    def members(self, path: str, md5: str) -> dict[str, str]:
        """Return the MD5 of each file of a folder by the listing that the cache keeps; nothing where it has none."""
        try:
            listed = json.loads(self.object(md5).read_text(encoding="utf-8"))
            return {f"{path}/{entry['relpath']}": str(entry["md5"]) for entry in listed}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def table(self, path: Path) -> pa.Table:
        """Return a Parquet table of the project."""
        # Not read_table, which would look for pandas and import it.
        with pq.ParquetFile(self.root / path) as file:
            return file.read()

    def subsets(self, stage: str) -> dict[str, str]:
        """Return the subset of each cycle, as a stage has read labels, split and validation."""
        labels, split, validation = (self.project.records[stage]["params"][key] for key in SPLIT)
        key = json.dumps([labels, split, validation])
        if key not in self._subsets:
            fraction, seed = validation["fraction"], validation["seed"]
            cycles = self.table(CYCLES)
            self._subsets[key] = dict(splits.assign(cycles, labels=labels, split=split, fraction=fraction, seed=seed))
        return self._subsets[key]
