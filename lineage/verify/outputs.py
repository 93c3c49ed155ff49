"""What stages made, against what lies there now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from lineage import files
from lineage.content import content_hash
from lineage.verify.audited_project import Tree
from lineage.verify.file_differences import difference
from lineage.verify.findings import Finding
from tasks import artifacts

File = Mapping[str, Any]


def check(tree: Tree) -> Iterator[Finding]:
    """Yield outs that are missing, changed, written anew, swapped for another stage's, or that no stage made."""
    twins = _twins(tree)
    for stage, found in tree.project.records.items():
        for entry in found["outputs"]:
            parts: list[File] = entry.get("files", [entry])
            gone = [file for file in parts if tree.hashes.of(file["path"]) is None]
            if gone and len(gone) == len(parts):
                yield _missing(tree, stage, entry["path"], gone)
            else:
                for file in gone:
                    yield _missing(tree, stage, file["path"], [file])
            for file in parts:
                there = tree.hashes.of(file["path"])
                if there is not None and there.sha256 != file["sha256"]:
                    yield _changed(tree, stage, file, twins.get((Path(file["path"]).name, there.sha256)))
            if "files" in entry:
                for path in sorted(set(tree.hashes.listing(entry["path"])) - {file["path"] for file in parts}):
                    what = "no stage made it, and those who read the folder read it"
                    yield Finding(kind="out-added", where=path, what=what, stages=(stage,))


def _missing(tree: Tree, stage: str, path: str, gone: list[File]) -> Finding:
    """Return that something is missing, and whether what the stage made can be brought back."""
    if all(_has_original(tree, file) for file in gone):
        keeper = "Git" if path in tree.uncached else "DVC's cache"
        what = f"it is not there; {keeper} has what {stage} made"
    else:
        what = f"it is not there, and nothing here can bring back what {stage} made"
    return Finding(kind="out-missing", where=path, what=what, stages=(stage,))


def _has_original(tree: Tree, file: File) -> bool:
    with tree.original(file["path"], file["sha256"]) as original:
        return original is not None


def _changed(tree: Tree, stage: str, file: File, twin: tuple[str, str] | None) -> Finding:
    path = file["path"]
    if twin is not None:
        what = f"it was swapped: this is {twin[0]}, which {twin[1]} made"
        return Finding(kind="out-swapped", where=path, what=what, stages=(stage,))
    if "content" in file and _content(tree.root / path) == file["content"]:
        what = "its bytes are others, its content is the same: it was written anew"
        return Finding(kind="out-rewritten", where=path, what=what, stages=(stage,))
    with tree.original(path, file["sha256"]) as original:
        told = difference(original, tree.root / path) if original else "there is no original to compare it with"
    return Finding(
        kind="out-changed", where=path, what=f"{title(path)} is not what {stage} made: {told}", stages=(stage,)
    )


def title(path: str) -> str:
    """Return the title of a file's artifact, such as ``the table of cycles``."""
    found = artifacts.find(path)
    return f"the {found.title}" if found else "the file"


def _content(path: Path) -> str | None:
    """Return the content hash, or none where the file no longer is of its format."""
    try:
        return content_hash(path)
    except (ValueError, OSError, pa.ArrowException):
        return None


def _twins(tree: Tree) -> dict[tuple[str, str], tuple[str, str]]:
    """Return path and stage of files by name and SHA-256, where only one stage made them."""
    makers: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for stage, file in tree.project.files("outputs"):
        makers[(Path(file["path"]).name, file["sha256"])].append((file["path"], stage))
    return {key: made[0] for key, made in makers.items() if len(made) == 1}


def inputs(tree: Tree) -> Iterator[Finding]:
    """Yield where a stage read something else than the stages before it have made, by their records."""
    made = {file["path"]: (stage, file["sha256"]) for stage, file in tree.project.files("outputs")}
    for stage, found in tree.project.records.items():
        read = {path: file["sha256"] for path, file in files.flat(found["inputs"]).items()}
        others: defaultdict[str, list[str]] = defaultdict(list)
        for path, digest in read.items():
            if path in made:
                if made[path][1] != digest:
                    others[made[path][0]].append(path)
            elif (there := tree.hashes.of(path)) is None or there.sha256 != digest:
                others[tree.project.maker(path) or "nobody"].append(path)
        folders = [entry["path"] for entry in found["inputs"] if "files" in entry]
        for path, (maker, _) in made.items():
            if path not in read and path.startswith(tuple(f"{folder}/" for folder in folders)):
                others[maker].append(path)
        for maker, paths in others.items():
            named = paths[0] if len(paths) == 1 else f"{len(paths)} files such as {paths[0]}"
            what = f"it ran on another version than {maker} has made: {named}"
            yield Finding(kind="input-mismatch", where=stage, what=what, stages=(stage,))
        for folder in folders:
            for path in sorted(set(tree.hashes.listing(folder)) - set(read) - set(made)):
                if tree.project.maker(path) is None:
                    what = f"no stage makes it, and it lies in {folder}, which {stage} reads as a whole"
                    yield Finding(kind="input-added", where=path, what=what, stages=(stage,))
