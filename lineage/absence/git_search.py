"""Search for a patient in Git: all objects, also those that no reference names, and DVC's experiments."""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lineage.absence.file_search import NAMED, FileSearch, Remnant
from lineage.absence.stored_runs import locks_at
from lineage.git import ask_git, blobs, prefix
from tasks.runtime.words import counted

MAX_BYTES = 1 << 28  # larger files in Git are listed as not searched
BATCH_BYTES = 1 << 26  # bytes of objects that are read at once
# Paths of Breathline's code, whose texts name recordings of public corpora.
CODE = (
    "CHANGELOG.md",
    "README.md",
    "benchmarks/",
    "cli/",
    "docs/",
    "flows/",
    "lineage/",
    "models/",
    "tasks/",
    "tests/",
)


@dataclass(frozen=True, kw_only=True)
class GitObjects:
    """Objects of Git with data of a patient.

    Attributes:
        files: Files of commits and of the index, folders and messages; one finding for each path.
        examples: Paths of Breathline's code whose text names recordings.
        unreachable: Objects that no reference names, such as those of amended commits and removed experiments.
    """

    files: tuple[Remnant, ...] = ()
    examples: tuple[str, ...] = ()
    unreachable: tuple[Remnant, ...] = ()


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


def search(root: Path, searched: FileSearch) -> GitObjects:
    """Search all objects of Git: of commits and the index, and those that no reference names any more.

    What cannot be searched is noted as unread.
    """
    if ask_git(root, "rev-parse", "--git-dir") is None:
        if any((folder / ".git").exists() for folder in (root, *root.resolve().parents)):
            searched.unread.append("Git: the repository cannot be read (`git fsck` says more)")
        return GitObjects()
    paths = _paths(root, searched)
    found: list[tuple[bool, Remnant]] = []  # whether a reference names the object
    for name, kind, content in _objects(root, paths or {}, searched):
        reachable = paths is None or name in paths
        place = (paths or {}).get(name) or f"{kind} {name[:12]}"
        found += [(reachable, one) for one in _remnants(searched, place, kind, content)]
    return _sorted(found)


def is_example(path: str, remnants: Collection[Remnant]) -> bool:
    """Return whether a file of Breathline's code only names recordings, as published lists and examples do."""
    return path.startswith(CODE) and all(one.what.startswith(NAMED) for one in remnants)


def _sorted(found: Iterable[tuple[bool, Remnant]]) -> GitObjects:
    """Return the findings with one for each path, and without folders of files that were found."""
    by_path: dict[tuple[bool, str], list[Remnant]] = {}
    for reachable, one in found:
        by_path.setdefault((reachable, one.path), []).append(one)
    folders = {f"{Path(path).parent}/" for _, path in by_path}
    kept = {key: remnants for key, remnants in by_path.items() if key[1] not in folders}
    examples = [path for (reachable, path), remnants in kept.items() if reachable and is_example(path, remnants)]
    return GitObjects(
        files=tuple(all_of[0] for (named, path), all_of in kept.items() if named and path not in examples),
        examples=tuple(examples),
        unreachable=tuple(all_of[0] for (named, _), all_of in kept.items() if not named),
    )


def _paths(root: Path, searched: FileSearch) -> dict[str, str] | None:
    """Return the path of each object that a reference or the index names; None if Git cannot list them."""
    listed = ask_git(root, "rev-list", "--all", "--indexed-objects", "--objects", "--missing=print")
    if listed is None:
        searched.unread.append("Git: its history cannot be listed (`git fsck` says more)")
        return None
    lines = listed.splitlines()
    if missing := sum(line.startswith("?") for line in lines):
        searched.unread.append(f"Git: {counted(missing, 'object')} of a partial or damaged clone are missing")
    folder = prefix(root)
    pairs = (line.partition(" ") for line in lines)
    return {name: path.removeprefix(folder) for name, _, path in pairs}


def _objects(root: Path, paths: Mapping[str, str], searched: FileSearch) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, kind and content of all objects; they are read in batches."""
    listed = ask_git(root, "cat-file", "--batch-all-objects", "--batch-check")
    if listed is None:
        searched.unread.append("Git: its objects cannot be listed (`git fsck` says more)")
    kinds: dict[str, str] = {}
    batch_bytes = 0
    for line in (listed or "").splitlines():
        name, kind, size = (*line.split(" "), "", "")[:3]
        if not size.isdigit() or int(size) > MAX_BYTES:
            what = f"{size} bytes are too many" if size.isdigit() else "damaged (`git fsck` says more)"
            searched.unread.append(f"Git: {paths.get(name) or name}: {what}")
            continue
        if kinds and batch_bytes + int(size) > BATCH_BYTES:
            yield from _batch(root, kinds, searched)
            kinds, batch_bytes = {}, 0
        kinds[name] = kind
        batch_bytes += int(size)
    yield from _batch(root, kinds, searched)


def _batch(root: Path, kinds: Mapping[str, str], searched: FileSearch) -> Iterator[tuple[str, str, bytes]]:
    contents = blobs(root, kinds, (b"blob", b"tree", b"commit", b"tag")) if kinds else {}
    if len(contents) < len(kinds):
        searched.unread.append(f"Git: {counted(len(kinds) - len(contents), 'object')} cannot be read (`git fsck`)")
    yield from ((name, kinds[name], content) for name, content in contents.items())


def _remnants(searched: FileSearch, place: str, kind: str, content: bytes) -> Iterator[Remnant]:
    """Yield what an object holds of the patient; a file is searched like any other."""
    if kind != "blob":
        if searched.names(content):
            yield Remnant(f"{place}/", "the name of a file") if kind == "tree" else Remnant(place, NAMED)
        return
    with tempfile.NamedTemporaryFile(prefix="breathline-git-") as file:
        file.write(content)
        file.flush()
        yield from searched.try_file(place, path=Path(file.name))
