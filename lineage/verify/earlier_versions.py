"""Earlier versions of outs, in the places that still have them: DVC's cache, remotes in folders, and Git."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path

from lineage import cached_records, dvc_storage, git, lock_history
from lineage.dvc_storage import Cache
from lineage.lock_history import Block
from lineage.verify.file_hashes import FileHashes


class EarlierVersions:
    """Objects of the caches of a project, and what each dvc.lock in Git says.

    Attributes:
        caches: The project's cache, and its remotes in folders of this machine, by place.
        limit: Number of commits whose dvc.lock is read, the newest ones; None for all.
        unasked: Remotes that cannot be read from here, each with its URL.
    """

    def __init__(self, root: Path, hashes: FileHashes, limit: int | None = lock_history.LIMIT) -> None:
        self.root, self._hashes, self.limit = root, hashes, limit
        self._outs = cache(self._outs_of)
        self.caches = {"DVC's cache": dvc_storage.cache_of(root)}
        self.unasked: dict[str, str] = {}
        for name, remote in dvc_storage.remotes_of(root).items():
            if isinstance(remote, Cache) and remote.folder.is_dir():
                self.caches[f"the remote {name}"] = remote
            else:
                self.unasked[name] = str(remote.folder) if isinstance(remote, Cache) else remote

    @cached_property
    def commits(self) -> list[str]:
        """All commits that changed dvc.lock, newest first."""
        return lock_history.commits(self.root)

    @cached_property
    def blocks(self) -> dict[str, list[Block]]:
        """Entries of each stage in the versions of dvc.lock that Git holds, newest first."""
        found: dict[str, list[Block]] = {}
        for block in lock_history.blocks(self.root, self.commits[: self.limit]):
            found.setdefault(block.stage, []).append(block)
        return found

    @cached_property
    def records(self) -> dict[str, dict[str, list[Path]]]:
        """Objects that are records, by place and stage."""
        return {place: cached_records.by_stage(one) for place, one in self.caches.items()}

    def object(self, md5: str) -> Path | None:
        """Return an intact object of an MD5 in one of the caches; None without one."""
        for one in self.caches.values():
            path = one.object(md5)
            if (found := self._hashes.of(path)) and found.md5 == md5.removesuffix(".dir"):
                return path
        return None

    def files(self, path: str, md5: str) -> dict[str, str]:
        """Return the MD5 of each file of an out, by path; none where no cache has the listing of a folder."""
        return next((found for one in self.caches.values() if (found := one.files(path, md5))), {})

    def of(self, path: str, stage: str | None) -> Iterator[Path]:
        """Yield the objects of earlier versions of a file, which a stage made.

        Args:
            path: Path of the file in the project.
            stage: Stage whose outs hold the file; None for a file that no stage makes.
        """
        for md5 in self._outs(stage or "").get(path, ()):
            if (held := self.object(md5)) is not None:
                yield held

    def _outs_of(self, stage: str) -> dict[str, list[str]]:
        """Return the MD5 of all earlier versions of the files of a stage, by path."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for block in self.blocks.get(stage, ()):
            for _, out, listing in dvc_storage.entries({stage: block.given}, "outs"):
                for path, md5 in self.files(out, listing).items():
                    found[path].append(md5)
        return found

    def of_size(self, size: int) -> list[Path]:
        """Return all objects of a size in bytes."""
        return self._by_size.get(size, [])

    @cached_property
    def _by_size(self) -> dict[int, list[Path]]:
        found: defaultdict[int, list[Path]] = defaultdict(list)
        for one in self.caches.values():
            for entry in one.entries():
                found[entry.stat().st_size].append(Path(entry))
        return found

    def in_git(self, path: str) -> Iterator[bytes]:
        """Yield the versions of a file in Git, at the commits that changed dvc.lock, newest first."""
        commits = self.commits[: self.limit]
        head = git.file_at(self.root, "HEAD", path)
        yield from [] if head is None else [head]
        yield from dict.fromkeys(content for _, content in git.versions(self.root, path, commits))
