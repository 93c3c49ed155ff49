"""A project as a Git revision had it: its graph and lock by Git, its outs as links into DVC's cache.

Neither Git's working tree nor DVC is touched: what is asked about lies in a folder of its own for as long as it takes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML

from lineage import events, graph
from lineage.diff.runs import cache_of
from lineage.git import ask_git_bytes
from tasks.artifacts import RECORDS
from tasks.runtime.errors import BreathlineError

IN_GIT = ("dvc.yaml", "params.yaml", "dvc.lock")


@dataclass(frozen=True)
class Meant:
    """What a question is about.

    Attributes:
        folder: Where the project lies.
        what: The question, without its revision.
        note: Which revision it is; empty for what lies in the working tree.
    """

    folder: Path
    what: str
    note: str = ""


@contextmanager
def meant(root: Path, what: str) -> Iterator[Meant]:
    """Yield which project and what in it a question means.

    Args:
        root: The project.
        what: ``WHAT``, ``REV:WHAT``, or a model's version such as ``student@v1.2.0``, which is a Git tag; a stage may
            be called so too (``fbank@ast``).

    Raises:
        BreathlineError: There is no such revision, it has no dvc.lock, or its records are not in DVC's cache.
    """
    revision, _, rest = what.partition(":")
    if not rest and "@" in what and not _lies_here(root, what):
        revision, rest = what, what.partition("@")[0]
    if not rest or revision == "patient":
        yield Meant(root, what)
        return
    commit = _commit(root, revision)
    with tempfile.TemporaryDirectory(prefix="breathline-") as folder:
        lay_out(root, commit, Path(folder), revision)
        yield Meant(Path(folder), rest, f"as of {revision}, commit {commit[:12]}")


def lay_out(root: Path, commit: str, folder: Path, revision: str) -> None:
    """Put what a commit had into a folder.

    Args:
        root: The project.
        commit: Of its repository.
        folder: An empty one.
        revision: As it was asked for.

    Raises:
        BreathlineError: The commit has no dvc.lock, or its records are not in DVC's cache.
    """
    for name in IN_GIT:
        text = ask_git_bytes(root, "show", f"{commit}:./{name}")
        if text is None:
            hint = "commit dvc.lock with the code after a run, and ask about that commit"
            raise BreathlineError(f"{revision} has no {name}: what it had made is not known.", where=name, hint=hint)
        (folder / name).write_bytes(text)
    lock = YAML(typ="safe").load(folder / "dvc.lock")
    outs = [out for stage in lock["stages"].values() for out in stage.get("outs", [])]
    objects, missing = cache_of(root) / "files/md5", []
    for out in outs:
        missing += _link(root, commit, folder, out, objects)
    lost = [path for path in missing if path.startswith(RECORDS.as_posix())]
    if lost:
        hint = "`dvc fetch --all-commits` fetches what a remote has"
        raise BreathlineError(f"{len(lost)} records of {revision} are not in DVC's cache.", where=objects, hint=hint)
    for path in (events.LOG, events.HEAD):
        if (root / path).exists():
            _symlink((root / path).resolve(), folder / path)


def _lies_here(root: Path, what: str) -> bool:
    """Return whether this is the name of a stage, or a path in an out: both may hold an `@`, as versions do."""
    stages = graph.read(root)
    outs = (out for stage in stages.values() for out in stage.outs)
    return what in stages or any(PurePosixPath(what).is_relative_to(out) for out in outs)


def _link(root: Path, commit: str, folder: Path, out: dict[str, Any], objects: Path) -> list[str]:
    """Link an out, or all files of a folder, and return the paths that are neither in the cache nor in Git."""
    path, md5 = out["path"], out.get("md5", "")
    held = objects / md5[:2] / md5[2:]
    if md5.endswith(".dir") and held.exists():
        missing = []
        for file in json.loads(held.read_text(encoding="utf-8")):
            name, its = f"{path}/{file['relpath']}", file["md5"]
            if (one := objects / its[:2] / its[2:]).exists():
                _symlink(one, folder / name)
            else:
                missing.append(name)
        return missing
    if held.is_file():
        _symlink(held, folder / path)
        return []
    text = ask_git_bytes(root, "show", f"{commit}:./{path}")
    if text is None:
        return [path]
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(text)
    return []


def _symlink(target: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def _commit(root: Path, revision: str) -> str:
    found = ask_git_bytes(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is not None:
        return found.decode().strip()
    tags = (ask_git_bytes(root, "tag", "--list") or b"").decode().split()
    close = get_close_matches(revision, tags, n=5, cutoff=0.4) or tags[-5:]
    hint = f"did you mean {', '.join(close)}?" if close else "`git log --oneline` lists commits"
    raise BreathlineError(f"There is no revision `{revision}`.", where=root, hint=hint)
