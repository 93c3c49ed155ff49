"""DVC's view of the project at a commit: the outs of a model, and its files from cache or remote."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from flows.dvc_repository import open_repo
from flows.write_access import may_write, refuse
from lineage.git import prefix
from lineage.verify.file_hashes import FileHashes
from lineage.versions import full_name
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from dvc.repo import Repo

STORE = Path(".dvc/tmp/models")  # Git ignores `.dvc/tmp`


@contextmanager
def repo_at(root: Path, commit: str | None = None) -> Iterator[Repo]:
    """Yield DVC's view of the working tree, or of a commit."""
    from dvc.exceptions import DvcException
    from dvc.fs import GitFileSystem
    from dvc.repo import Repo

    try:
        with open_repo(root) as repo:
            if commit is None:
                yield repo
                return
            # Cache and remotes of the working tree: their addresses at the commit may be outdated.
            current = {section: dict(repo.config.get(section, {})) for section in ("core", "cache", "remote")}
            # Not `Repo(root, rev=commit)`, which expects the project at the top of its Git repository.
            files = GitFileSystem(scm=repo.scm, rev=commit)
            with Repo(f"/{prefix(root)}".rstrip("/") or "/", fs=files, scm=repo.scm, config=current) as past:
                yield past
    except DvcException as error:
        where = f"dvc.yaml at {commit[:9]}" if commit else "dvc.yaml"
        raise BreathlineError(
            f"DVC: {error}", where=where, hint="see `artifacts:` there, and docs/how-to/registry.md"
        ) from error


def contents(repo: Repo, root: Path, name: str) -> dict[str, str | None]:
    """Return the hash of each out that belongs to a model, by path; None if an out has no hash."""
    path = _path(repo, root, name)
    outs = {PurePosixPath(out.def_path): out.hash_info.value for out in repo.index.outs}
    return {str(out): value for out, value in outs.items() if out.is_relative_to(path) or path.is_relative_to(out)}


def fetch_files(root: Path, name: str, commit: str) -> Path:
    """Copy a model's files at a commit from DVC's cache or remote, unless a copy exists, and return the folder."""
    from dvc.fs import download
    from dvc_data.index import DataIndexDirError

    store = root / STORE / commit
    with repo_at(root, commit) as repo:
        path = _path(repo, root, name)
        if (store / path).is_dir():
            if _first_difference(repo, path, store / path) is None:
                return store / path
            shutil.rmtree(store / path)
        if not may_write(store):
            refuse(root / STORE)
        (store / path).parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store) as temporary:
            try:
                download(repo.dvcfs, f"/{path}", f"{temporary}/model")
            except (OSError, DataIndexDirError) as error:
                message = f"Neither DVC's cache nor its remote contains {name} of {commit[:9]}."
                hint = "run `dvc push --all-tags` where it was trained, and check `dvc remote list` here"
                raise BreathlineError(message, where=path, hint=hint) from error
            if md5 := _first_difference(repo, path, Path(temporary) / "model"):
                cached = Path(repo.cache.local.oid_to_path(md5))
                message = f"DVC's cache holds a damaged file of {name} at {commit[:9]}: its MD5 is not its name."
                hint = "delete this file, then run again: DVC takes it from its remote (`dvc remote list`)"
                raise BreathlineError(message, where=cached, hint=hint)
            os.replace(f"{temporary}/model", store / path)
    return store / path


def _first_difference(repo: Repo, path: PurePosixPath, copy: Path) -> str | None:
    """Return DVC's MD5 of the first file of a folder whose copy is missing or differs; None if all are equal."""
    hashes = FileHashes(copy)
    for name in sorted(repo.dvcfs.find(f"/{path}")):
        found, info = hashes.of(str(PurePosixPath(name).relative_to(f"/{path}"))), repo.dvcfs.info(name)
        if info.get("md5") and (found is None or found.md5 != info["md5"]):
            return str(info["md5"])
    return None


def _path(repo: Repo, root: Path, name: str) -> PurePosixPath:
    """Return the path of a model below the project; DVC's begins at the top of the Git repository."""
    return PurePosixPath(Path(repo.artifacts.get_path(full_name(root, name))).as_posix()).relative_to(prefix(root))
