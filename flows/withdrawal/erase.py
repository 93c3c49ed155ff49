"""Erasure of a patient's data beside the outs: the objects, entries, experiments and copies of a plan."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.dvc_repository import open_repo
from flows.withdrawal.plan import Remote
from lineage.absence import cached_objects
from lineage.absence.cached_objects import CachedObjects
from lineage.absence.file_search import FileSearch
from lineage.absence.stores import Stores
from lineage.dvc_storage import Cache, cache_of
from lineage.git import git
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError

LOG = ".lineage"  # folder of the event log of a workspace, which stays: it tells what was evaluated


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Numbers of what was erased."""

    objects: int  # objects of DVC's cache
    bytes: int  # their size
    entries: int  # entries of the run-cache
    experiments: int
    workspaces: int
    copies: int  # folders of interrupted work and copies, and files of earlier runs
    remotes: dict[str, int]  # objects of each remote
    failed: tuple[str, ...]  # files that could not be removed, with the reason


def erase(root: Path, found: Stores, remotes: Iterable[Remote], searched: FileSearch) -> Erased:
    """Erase data of a patient beside the outs; what cannot be removed is noted, and the others are removed.

    Args:
        root: Root of the project.
        found: Stores with data of the patient, after the run without the patient.
        remotes: Remotes; those to erase from are searched as well.
        searched: Search for the patient.
    """
    failed: list[str] = []
    _cached(cache_of(root), found.cached, failed)
    for reference in found.experiments:
        with _noted(reference, failed):
            git(root, "update-ref", "-d", reference)
    for workspace in found.workspaces:
        for path in workspace.iterdir():
            if path.name != LOG and not _is_linked_folder(path):
                _remove(path, failed)
    for path in found.copies:
        _remove(path, failed)
    with _noted("DVC's tables of hashes", failed):
        _state_of_dvc(root, searched)
    counts: dict[str, int] = {}
    for remote in remotes:
        if remote.erased and remote.cache is not None:
            with _noted(f"the remote {remote.name}", failed):
                stored = cached_objects.search(root, remote.cache, searched, found.cached.from_patient)
                _cached(remote.cache, stored, failed)
                counts[remote.name] = len(stored.objects)
    return Erased(
        objects=len(found.cached.objects),
        bytes=found.cached.bytes,
        entries=len(found.cached.entries),
        experiments=len(found.experiments),
        workspaces=len(found.workspaces),
        copies=len(found.copies),
        remotes=counts,
        failed=tuple(failed),
    )


@contextmanager
def _noted(what: str, failed: list[str]) -> Iterator[None]:
    """Note an error of the block, with the name of what stays."""
    try:
        yield
    except (BreathlineError, OSError) as error:
        failed.append(f"{what}: {one_line(error)}")


def _cached(cache: Cache, found: CachedObjects, failed: list[str]) -> None:
    """Remove objects, entries of the run-cache, and folders that are empty afterwards."""
    for path in (*(cache.object(md5) for md5 in found.objects), *found.entries):
        with _noted(str(path), failed):
            path.unlink(missing_ok=True)
            for folder in path.parents[:2]:
                if not any(folder.iterdir()):
                    folder.rmdir()


def _remove(path: Path, failed: list[str]) -> None:
    """Remove a file, or a folder with its files.

    A linked folder stays, without content if it is the folder to remove. Another link to a folder stays as it is, so
    that the letter names its target, which is not searched.
    """
    with _noted(str(path), failed):
        if not path.is_dir():
            path.unlink(missing_ok=True)
            return
        for inner in path.iterdir():
            if not _is_linked_folder(inner):
                _remove(inner, failed)
        if not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()


def _is_linked_folder(path: Path) -> bool:
    return path.is_symlink() and path.is_dir()


def _state_of_dvc(root: Path, searched: FileSearch) -> None:
    """Remove DVC's tables of hashes and links, which name files; DVC makes them again."""
    with open_repo(root) as repo:
        folder = Path(repo.site_cache_dir)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    for table in {path.parent for path in files if searched.names(path.read_bytes())}:
        shutil.rmtree(table)
