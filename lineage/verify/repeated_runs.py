"""Check for runs of a stage that made different outs from equal inputs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage import environment, machine
from lineage.content import content_hash
from lineage.files import belongs_to_system, by_path
from lineage.verify.audited_project import AuditedProject
from lineage.verify.file_differences import difference
from lineage.verify.findings import Finding, Severity, note
from lineage.verify.witnesses import Hardware, Witness, Witnesses
from models import file_names
from models.file_reading import UnreadableFileError
from tasks import artifacts

UNKNOWN = "; the hardware of that run is unknown (if it was another machine: --elsewhere)"


@dataclass(frozen=True)
class _Other:
    """File of the current run that a witness had otherwise."""

    path: str
    then: Path | None = None  # the earlier version in a cache
    recorded: Mapping[str, Any] | None = None  # its description in a record
    md5: str = ""  # its MD5 in dvc.lock
    certain: bool = True  # whether the content is known to differ

    @contextmanager
    def earlier(self, audited: AuditedProject) -> Iterator[Path | None]:
        """Yield the earlier version; None if nothing here has it."""
        if self.recorded is not None:
            source: AbstractContextManager[Path | None] = audited.original(
                self.path, self.recorded["sha256"], self.recorded.get("bytes")
            )
        else:
            source = nullcontext(self.then) if self.then else audited.in_git(self.path, self.md5)
        with source as held:
            yield held


def check(audited: AuditedProject, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield stages of which any evidence has other outs from equal inputs, parameters and code.

    Evidence is what `witnesses` reads. Such a pair is an error where the record promises determinism, unless hardware
    or packages of both runs are known to differ: one of them is false, or one result was picked. Otherwise the pair is
    a note. With ``elsewhere``, runs may be from other machines, and the pair is a note as well.
    """
    witnesses, lost = Witnesses(audited), []
    for stage in audited.project.records:
        for place, path in witnesses.changed_entries(stage):
            what = f"an entry of the run-cache of {place} differs from its name: a run of {stage} would restore it"
            yield Finding("cache-changed", path.name, what, (stage,))
        compared = (_compare(audited, witnesses, stage, witness, elsewhere) for witness in witnesses.of(stage))
        found = [finding for finding in compared if finding is not None]
        yield from sorted(found, key=lambda finding: finding.severity != "error")[:1]
        if witnesses.is_lost(stage):
            lost.append(stage)
    if lost:
        what = f"earlier records are no longer in the cache, so that their outs cannot be compared: {', '.join(lost)}"
        yield note("runs-unknown", ", ".join(lost), what)
    yield from witnesses.unasked()


def _compare(
    audited: AuditedProject, witnesses: Witnesses, stage: str, witness: Witness, elsewhere: bool
) -> Finding | None:
    """Return the finding of a run with other outs; None if the outs are those of the current run."""
    others = sorted(_others(audited, stage, witness), key=lambda other: not other.certain)
    if not others:
        return None
    current = audited.project.records[stage]
    there = audited.hashes.of(f"{artifacts.RECORDS}/{stage}.json")
    hardware = witnesses.hardware(there.sha256) if there else None
    known = hardware is not None and witness.hardware is not None
    excuses = [
        "on other hardware" if hardware and witness.hardware and _differ(hardware, witness.hardware) else "",
        "with other packages" if _packages_differ(audited, current, witness) else "",
        "" if current["params"].get("compute", {}).get("deterministic", True) else "without a promise of determinism",
        _other_source(audited, stage, others) or "",
        "" if others[0].certain else "maybe written by another program only: no cache has the earlier version",
    ]
    told = ", ".join(filter(None, excuses))
    severity: Severity = "note" if told or elsewhere else "error"
    told = told or ("on the same hardware" if known else "")
    what = f"the same run had other outs {witness.place}{f' ({told})' if told else ''}: {others[0].path}"
    with others[0].earlier(audited) as held:
        if held is not None and (audited.root / others[0].path).is_file():
            what += f": {difference(held, audited.root / others[0].path)}"
    what += f"; and {len(others) - 1} more" if len(others) > 1 else ""
    what += UNKNOWN if severity == "error" and not known else ""
    return Finding("run-repeated", stage, what, (stage,), severity)


def _differ(one: Hardware, other: Hardware) -> bool:
    return one[1:] != other[1:] or not machine.same_processor(one[0], other[0])


def _others(audited: AuditedProject, stage: str, witness: Witness) -> Iterator[_Other]:
    """Yield the files whose content a witness had otherwise."""
    now = by_path(audited.project.records[stage]["outputs"])
    if witness.outs is None:
        then = by_path((witness.record or {}).get("outputs", []))
        for path in sorted(now.keys() | then.keys()):
            if path not in now or path not in then:
                yield _Other(path)
            elif now[path]["sha256"] != then[path]["sha256"] and not _has_content(audited, path, now, then):
                yield _Other(path, recorded=then[path])
        return
    for entry in audited.project.records[stage]["outputs"]:
        md5 = witness.outs.get(entry["path"])
        if md5 is None or not audited.is_as_recorded(entry) or md5 in audited.hashes.versions(entry["path"]):
            continue  # a path of only one of both is a finding of `dvc_lock`, and another file one of `outputs`
        yield from _others_of_out(audited, entry["path"], md5, by_path((witness.record or {}).get("outputs", [])))


def _others_of_out(audited: AuditedProject, out: str, md5: str, recorded: Mapping[str, Any]) -> Iterator[_Other]:
    then = {path: found for path, found in audited.earlier.files(out, md5).items() if _is_recorded(path)}
    names = audited.hashes.listing(out) if (audited.root / out).is_dir() else (out,)
    now = {path: found.md5 for path in names if (found := audited.hashes.of(path))}
    if not then:
        yield _Other(out, certain=not any(map(_has_format, now)))
        return
    for path in sorted(now.keys() | then.keys()):
        if now.get(path) == then.get(path):
            continue
        held = audited.earlier.object(then[path]) if path in then else None
        content = _content(audited.root / path) if path in now and path in then else None
        earlier = _content(held, path) if held is not None else recorded.get(path, {}).get("content")
        if content is None or earlier != content:
            yield _Other(path, held, md5=then.get(path, ""), certain=content is None or earlier is not None)


def _is_recorded(path: str) -> bool:
    return not path.endswith("/.gitignore") and not belongs_to_system(path)


def _has_content(audited: AuditedProject, path: str, now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Return whether two records agree in the content of a file, which the file itself has."""
    content = now[path].get("content")
    return content is not None and content == then[path].get("content") and _content(audited.root / path) == content


def _has_format(path: str) -> bool:
    return Path(path).suffix in (".parquet", ".npy", ".safetensors", ".html")


def _content(path: Path, name: str = "") -> str | None:
    """Return the content hash of a file, of a format by its own name or another one; None without a content hash."""
    try:
        return content_hash(path, Path(name or path).suffix)
    except UnreadableFileError:
        return None


def _packages_differ(audited: AuditedProject, current: Mapping[str, Any], witness: Witness) -> bool:
    """Return whether Python or pinned packages of both runs are known to have other versions.

    The hash of the lock file does not count: a comment changes it.
    """
    now = current["environment"]
    if witness.record is not None:
        found = environment.differences(witness.record.get("environment", {}), now, environment.pinned(audited.root))
        return any(where != environment.LOCKED for where, _ in found)
    if witness.locked is None or not (lock := audited.root / environment.LOCKED).is_file():
        return False
    then, pinned = environment.versions(witness.locked), environment.versions(environment.read_lock(lock))
    return any(then.get(name) != pinned.get(name) for name in now.get("packages", {}))


def _other_source(audited: AuditedProject, stage: str, others: list[_Other]) -> str | None:
    """Return why a stage that reads from outside of the project may have other outs; None for another stage."""
    corpus = artifacts.corpus_of(stage)
    if corpus is not None and corpus[0] == "download":
        path = corpus[1].raw / artifacts.SOURCE
    elif stage.partition("@")[0] == "weights":
        path = artifacts.WEIGHTS / stage.partition("@")[2] / file_names.SOURCE
    else:
        return None
    now = audited.json(path)
    then = now
    for other in (other for other in others if other.path == path.as_posix()):
        with other.earlier(audited) as held:
            if held is None:
                return "maybe of another source"
            then = json.loads(held.read_text(encoding="utf-8"))
    if now.get("format") == "demo" or (_identity(now) and _identity(now) == _identity(then)):
        return None
    return "of another source" if _identity(now) else "of a folder, whose files may have changed"


def _identity(source: Mapping[str, Any]) -> object:
    """Return the hash or the commit of a source; None for a folder, which has neither."""
    return source.get("revision") or source.get("sha256") or (source.get("archive") or {}).get("sha256")
