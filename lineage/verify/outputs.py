"""Checks of the outs and inputs of stages against the records."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage.content import content_hash
from lineage.files import belongs_to_system, hashes, own_files
from lineage.verify.audited_project import AuditedProject
from lineage.verify.file_differences import difference
from lineage.verify.findings import Finding
from lineage.verify.hidden_files import is_hidden
from models.file_reading import UnreadableFileError
from tasks import artifacts

File = Mapping[str, Any]


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield outs that are missing, changed, rewritten, swapped with another stage's, or made by no stage."""
    by_content = _paths_by_content(audited)
    for stage, found in audited.project.records.items():
        for entry in found["outputs"]:
            parts = own_files(entry)
            gone = [file for file in parts if audited.hashes.of(file["path"]) is None]
            if gone and len(gone) == len(parts):
                yield _missing(audited, stage, entry["path"], gone)
            else:
                for file in gone:
                    yield _missing(audited, stage, file["path"], [file])
            for file in parts:
                there = audited.hashes.of(file["path"])
                if there is not None and there.sha256 != file["sha256"]:
                    yield _changed(audited, stage, file, by_content.get((Path(file["path"]).name, there.sha256)))
            if "files" in entry:
                added = set(audited.hashes.listing(entry["path"])) - {file["path"] for file in parts}
                for path in sorted(path for path in added if not is_hidden(path)):
                    what = "no stage made it, and the stages that read the folder read it"
                    yield Finding("out-added", path, what, (stage,))


def _missing(audited: AuditedProject, stage: str, path: str, gone: Sequence[File]) -> Finding:
    """Return the finding of a missing out, with the place that still has it."""
    if all(_has_original(audited, file) for file in gone):
        keeper = "Git" if path in audited.uncached else "DVC's cache"
        what = f"it is missing; {keeper} has what {stage} made"
    else:
        what = f"it is missing, and nothing here can bring back what {stage} made"
    return Finding("out-missing", path, what, (stage,))


def _has_original(audited: AuditedProject, file: File) -> bool:
    with audited.original(file["path"], file["sha256"], file.get("bytes")) as original:
        return original is not None


def _changed(audited: AuditedProject, stage: str, file: File, twin: tuple[str, str] | None) -> Finding:
    path = file["path"]
    if twin is not None:
        return Finding("out-swapped", path, f"it was swapped: this is {twin[0]}, which {twin[1]} made", (stage,))
    if "content" in file and _content(audited.root / path) == file["content"]:
        what = "its bytes differ and its content is the same: it was rewritten"
        return Finding("out-rewritten", path, what, (stage,))
    with audited.original(path, file["sha256"], file.get("bytes")) as original:
        where = difference(original, audited.root / path) if original else "there is no original to compare it with"
    found = artifacts.find(path)
    title = found.title if found else "file"
    return Finding("out-changed", path, f"the {title} is not what {stage} made: {where}", (stage,))


def _content(path: Path) -> str | None:
    """Return the content hash, or None if the file is no longer valid in its format."""
    try:
        return content_hash(path)
    except UnreadableFileError:
        return None


def _paths_by_content(audited: AuditedProject) -> dict[tuple[str, str], tuple[str, str]]:
    """Return path and stage of files by name and SHA-256, where only one stage made them."""
    makers: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for stage, file in audited.project.files("outputs"):
        makers[(Path(file["path"]).name, file["sha256"])].append((file["path"], stage))
    return {key: made[0] for key, made in makers.items() if len(made) == 1}


def inputs(audited: AuditedProject) -> Iterator[Finding]:
    """Yield inputs that, by the records, differ from the outs of the upstream stages."""
    outs = audited.project.files("outputs")
    made = {file["path"]: (stage, file["sha256"]) for stage, file in outs if not belongs_to_system(file["path"])}
    for stage, found in audited.project.records.items():
        read = {path: digest for path, digest in hashes(found["inputs"]).items() if not belongs_to_system(path)}
        others: defaultdict[str, list[str]] = defaultdict(list)
        for path, digest in read.items():
            if path in made:
                if made[path][1] != digest:
                    others[made[path][0]].append(path)
            elif (there := audited.hashes.of(path)) is None or there.sha256 != digest:
                others[audited.project.maker(path) or "nobody"].append(path)
        folders = [entry["path"] for entry in found["inputs"] if "files" in entry]
        for path, (maker, _) in made.items():
            if path not in read and path.startswith(tuple(f"{folder}/" for folder in folders)):
                others[maker].append(path)
        for maker, paths in others.items():
            named = paths[0] if len(paths) == 1 else f"{len(paths)} files such as {paths[0]}"
            what = f"it ran on another version than {maker} has made: {named}"
            yield Finding("input-mismatch", stage, what, (stage,))
        for folder in folders:
            for path in sorted(set(audited.hashes.listing(folder)) - set(read) - set(made)):
                if audited.project.maker(path) is None and not is_hidden(path):
                    what = f"no stage makes it, and it is in {folder}, which {stage} reads as a whole"
                    yield Finding("input-added", path, what, (stage,))
