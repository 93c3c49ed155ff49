"""Descriptions of files and folders for records: path, hashes and size."""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from tasks.runtime.artifact_reading import as_artifact_error
from tasks.runtime.files import sha256
from tasks.runtime.hardware import usable_cores
from tasks.sources.system_files import has_system_name


def describe(
    root: Path, names: Iterable[str], known: Mapping[str, Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Describe files and folders of the project; files are read in parallel.

    The content hash of a file among the ``known`` ones, by SHA-256, is not computed again.

    Returns:
        For each file ``path``, ``sha256``, ``bytes`` and, for tables, arrays, tensors and the report, ``content``.
        For each folder, ``files`` has the description of each file, sorted by path, ``bytes`` is the size of all files,
        and ``sha256`` is the hash of their paths and hashes.

    Raises:
        FileNotFoundError: A path does not exist.
    """
    listed = {name: _below(root, name) if (root / name).is_dir() else None for name in names}
    every = dict.fromkeys(file for name, below in listed.items() for file in ([name] if below is None else below))
    # Hashing and Arrow's reading release Python's lock. All digests are begun before the first content waits for one.
    with ThreadPoolExecutor(usable_cores()) as pool:
        digests = {name: pool.submit(sha256, root / name) for name in every}
        contents = {name: pool.submit(_content, root / name, digests[name], known or {}) for name in every}
        files = {name: _file(root, name, digests[name].result(), contents[name].result()) for name in every}
    return [
        files[name] if below is None else _folder(name, [files[file] for file in below])
        for name, below in listed.items()
    ]


def _below(root: Path, name: str) -> list[str]:
    found = (file for file in (root / name).rglob("*") if file.is_file() and file.name != ".gitignore")
    return sorted(str(file.relative_to(root)) for file in found if "__pycache__" not in file.relative_to(root).parts)


def _folder(name: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    size = sum(file["bytes"] for file in files)
    return {"path": name, "sha256": folder_hash(name, files), "bytes": size, "files": files}


def folder_hash(name: str, files: list[dict[str, Any]]) -> str:
    """Return the hash of a folder: that of one line for each file, with the file's hash and path below the folder."""
    lines = (f"{file['sha256']}  {Path(file['path']).relative_to(name)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _file(root: Path, name: str, digest: str, content: str | None) -> dict[str, Any]:
    found = {"path": name, "sha256": digest, "bytes": (root / name).stat().st_size}
    return found | ({"content": content} if content else {})


def _content(path: Path, digest: Future[str], known: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the content hash of a file, from `known` where its bytes are recorded there."""
    if known and (found := known.get(digest.result())) is not None:
        return found.get("content")
    with as_artifact_error():
        from lineage.content import content_hash  # with Arrow, which the check of a model's hashes does not need

        return content_hash(path)


def belongs_to_system(path: str) -> bool:
    """Return whether a file is one that an operating system or an editor adds to any folder, and no stage reads.

    These are `.DS_Store`, AppleDouble files (``._NAME``), thumbnails of Windows and checkpoints of notebooks. A folder
    of such a name does not count: a stage would read the files in it.
    """
    folder, _, name = path.rpartition("/")
    if folder.rpartition("/")[2] == ".ipynb_checkpoints":
        return PurePosixPath(name).stem.endswith("-checkpoint")
    if name.startswith("."):
        return name.startswith("._") or name in (".DS_Store", ".directory")
    return has_system_name(name)


def own_files(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the descriptions of the single files of a described path, without files of the operating system."""
    return [file for file in entry.get("files", [entry]) if not belongs_to_system(file["path"])]


def by_path(described: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the descriptions of the single files, by path."""
    return {file["path"]: file for entry in described for file in entry.get("files", [entry])}


def hashes(described: list[dict[str, Any]]) -> dict[str, str]:
    """Return the SHA-256 of the single files, by path."""
    return {path: file["sha256"] for path, file in by_path(described).items()}
