"""Erasure of a patient's data beside the outs: exactly the objects, entries, experiments and copies of a plan."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flows.dvc_repository import open_repo
from flows.withdrawal.plan import Remote
from lineage.absence import cached_objects
from lineage.absence.cached_objects import CachedObjects
from lineage.absence.file_search import FileSearch
from lineage.absence.stores import Stores
from lineage.dvc_storage import Cache
from lineage.git import git

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

    @property
    def all(self) -> int:
        """Number of everything that was erased."""
        return sum((self.objects, self.entries, self.experiments, self.workspaces, self.copies, *self.remotes.values()))


def erase(root: Path, found: Stores, remotes: Iterable[Remote], searched: FileSearch) -> Erased:
    """Erase data of a patient beside the outs.

    Args:
        root: Root of the project.
        found: Stores with data of the patient, after the run without the patient.
        remotes: Remotes; those to erase from are searched as well.
        searched: Search for the patient.

    Raises:
        OSError: A file cannot be removed.
    """
    from lineage.dvc_storage import cache_of

    _cached(cache_of(root), found.cached)
    for reference in found.experiments:
        git(root, "update-ref", "-d", reference)
    for workspace in found.workspaces:
        for path in workspace.iterdir():
            if path.name != LOG:
                _remove(path)
    for path in found.copies:
        _remove(path)
    _state_of_dvc(root, searched)
    counts: dict[str, int] = {}
    for remote in remotes:
        if remote.erased and remote.cache is not None:
            there = cached_objects.search(root, remote.cache, searched, found.cached.tainted)
            _cached(remote.cache, there)
            counts[remote.name] = len(there.objects)
    return Erased(
        objects=len(found.cached.objects),
        bytes=found.cached.bytes,
        entries=len(found.cached.entries),
        experiments=len(found.experiments),
        workspaces=len(found.workspaces),
        copies=len(found.copies),
        remotes=counts,
    )


def _cached(cache: Cache, found: CachedObjects) -> None:
    """Remove objects, entries of the run-cache, and folders that are empty afterwards."""
    for path in (*(cache.object(md5) for md5 in found.objects), *found.entries):
        path.unlink(missing_ok=True)
        for folder in path.parents[:2]:
            if not any(folder.iterdir()):
                folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _state_of_dvc(root: Path, searched: FileSearch) -> None:
    """Remove DVC's tables of hashes and links, which name files; DVC makes them again."""
    with open_repo(root) as repo:
        folder = Path(repo.site_cache_dir)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    for table in {path.parent for path in files if searched.names(path.read_bytes())}:
        shutil.rmtree(table)
