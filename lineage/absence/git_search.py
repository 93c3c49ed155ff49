"""Search for a patient in Git: the content of all commits, and DVC's experiments."""

from collections.abc import Collection, Iterator
from pathlib import Path

from lineage.absence.file_search import FileSearch
from lineage.absence.stored_runs import locks_at
from lineage.git import ask_git, ask_git_bytes

MAX_BYTES = 1 << 28  # larger files in Git are told, not searched


def experiments(root: Path, locks: Collection[str]) -> list[str]:
    """Return the references of DVC's experiments, and of its queue, whose own commits have one of some dvc.lock files.

    Own commits are those that no branch and no tag has.
    """
    found = []
    for ref in _refs(root, "refs/exps", "%(refname)"):
        own = ask_git(root, "rev-list", ref, "--not", "--branches", "--tags", "--remotes") or ""
        if not set(locks).isdisjoint(locks_at(root, own.split()).values()):
            found.append(ref)
    return found


def tags(root: Path, locks: Collection[str]) -> list[str]:
    """Return the tags whose dvc.lock is among some dvc.lock files."""
    found = locks_at(root, _refs(root, "refs/tags", "%(refname:short)"))
    return [tag for tag, lock in found.items() if lock in locks]


def _refs(root: Path, below: str, form: str) -> list[str]:
    return (ask_git(root, "for-each-ref", f"--format={form}", below) or "").splitlines()


def files_in_history(root: Path, searched: FileSearch) -> Iterator[str]:
    """Yield the paths of files in Git, of all commits, whose content names recordings of the patient."""
    listed = ask_git(root, "rev-list", "--all", "--objects") or ""
    pairs = (line.partition(" ") for line in listed.splitlines())
    paths = {name: path for name, _, path in pairs if path}
    asked = "\n".join(paths).encode() + b"\n"
    checked = ask_git_bytes(root, "cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=asked)
    blobs = []
    for line in (checked or b"").decode().splitlines():
        name, kind, size = line.split(" ")
        if kind == "blob" and int(size) > MAX_BYTES:
            searched.unread.append(f"{paths[name]} in Git: {int(size)} bytes")
        elif kind == "blob":
            blobs.append(name)
    data = ask_git_bytes(root, "cat-file", "--batch", stdin="\n".join(blobs).encode() + b"\n") if blobs else b""
    position = 0
    while data and position < len(data):
        header, _, _ = data[position : position + 200].partition(b"\n")
        name, _, size = header.decode().split(" ")
        start = position + len(header) + 1
        if searched.names(data[start : start + int(size)]):
            yield paths[name]
        position = start + int(size) + 1
