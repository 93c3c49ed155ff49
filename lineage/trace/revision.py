"""Projects of Git revisions for traces: graph and lock from Git, outs as links into DVC's cache.

The files are laid out in a temporary folder, so Git's working tree and DVC stay untouched.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from lineage import corpora, dvc_storage, events, graph, versions
from lineage.git import ask_git, file_at
from tasks.artifacts import RECORDS
from tasks.runtime.errors import BreathlineError

IN_GIT = ("dvc.yaml", "params.yaml", dvc_storage.LOCK)


@dataclass(frozen=True)
class Target:
    """Project and subject of a question."""

    folder: Path  # folder with the files of the project
    what: str  # question without its revision
    note: str = ""  # name of the revision; empty for the working tree


@contextmanager
def resolve(root: Path, what: str) -> Iterator[Target]:
    """Yield the project and the subject that a question names.

    Args:
        root: Root of the project.
        what: ``WHAT``, ``REV:WHAT``, or a model's version such as ``student@v1.2.0``. The name of a stage, such as
            ``fbank@demo-ast``, is not taken for a version, and the name of a corpus before a colon not for a revision.

    Raises:
        BreathlineError: The revision does not exist or has no dvc.lock, or its records are not in DVC's cache.
    """
    revision, _, rest = what.partition(":")
    if not rest and "@" in what and not _is_stage_or_out(root, what):
        revision, rest = what, what.partition("@")[0]
    if not rest or revision == "patient" or revision in _corpora(root):
        yield Target(root, what)
        return
    commit = _commit(root, revision)
    with tempfile.TemporaryDirectory(prefix="breathline-") as folder:
        lay_out(root, commit, Path(folder), revision)
        yield Target(Path(folder), rest, f"as of {revision}, commit {commit[:12]}")


def lay_out(root: Path, commit: str, folder: Path, revision: str) -> None:
    """Lay out the files of a commit in an empty folder; messages call the commit by the revision's name.

    Raises:
        BreathlineError: The commit has no dvc.lock, or its records are not in DVC's cache.
    """
    for name in IN_GIT:
        text = file_at(root, commit, name)
        if text is None:
            hint = "commit dvc.lock with the code after a run, and ask about that commit"
            raise BreathlineError(f"{revision} has no {name}, so its outs are unknown.", where=name, hint=hint)
        (folder / name).write_bytes(text)
    cache = dvc_storage.cache_of(root)
    missing: list[str] = []
    for _, out, md5 in dvc_storage.entries(dvc_storage.read_lock(folder / dvc_storage.LOCK), "outs"):
        for name, digest in (cache.files(out, md5) or {out: md5}).items():
            if not _place(root, commit, folder / name, name, cache.object(digest)):
                missing.append(name)
    lost = [name for name in missing if name.startswith(RECORDS.as_posix())]
    if lost:
        hint = "`dvc fetch --all-commits` fetches what a remote has"
        what = f"{len(lost)} records of {revision} are not in DVC's cache."
        raise BreathlineError(what, where=cache.objects, hint=hint)
    for path in (events.LOG, events.HEAD):
        if (root / path).exists():
            _symlink((root / path).resolve(), folder / path)


def _is_stage_or_out(root: Path, what: str) -> bool:
    """Return whether a text is the name of a stage, or a path in an out; both may hold an `@`, as versions do."""
    stages = graph.read(root)
    outs = (out for stage in stages.values() for out in stage.outs)
    return what in stages or any(PurePosixPath(what).is_relative_to(out) for out in outs)


def _corpora(root: Path) -> set[str]:
    """Return the names of the corpora of both roles."""
    return {corpus.name for corpus in corpora.of_stages(graph.read(root))}


def _place(root: Path, commit: str, target: Path, name: str, held: Path) -> bool:
    """Link a file to the cache, or write it from Git; return whether either has the file."""
    if held.is_file() and held.suffix != ".dir":
        _symlink(held, target)
        return True
    text = file_at(root, commit, name)
    if text is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
    return text is not None


def _symlink(target: Path, link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def _commit(root: Path, revision: str) -> str:
    found = versions.commit_of(root, revision)
    if found is not None:
        return found
    tags = (ask_git(root, "tag", "--list") or "").split()
    close = get_close_matches(revision, tags, n=5, cutoff=0.4) or tags[-5:]
    hint = f"did you mean {', '.join(close)}?" if close else "`git log --oneline` lists commits"
    raise BreathlineError(f"There is no revision `{revision}`.", where=root, hint=hint)
