"""What a path holds, as a record keeps it: bytes and content of a file, or of every file below a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage.content import content_hash
from tasks.files import sha256


def describe(root: Path, name: str, known: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Return what lies at a path of the project.

    Args:
        root: The project.
        name: The path, relative to it.
        known: Descriptions of files by their SHA-256, whose content need not be read again.

    Returns:
        For a file ``path``, ``sha256``, ``bytes`` and, for tables, arrays and tensors, ``content`` (`content_hash`).
        For a folder ``files``, the same of each, sorted by path; ``bytes`` of all; ``sha256`` of paths and hashes.

    Raises:
        FileNotFoundError: Nothing lies there.
    """
    path = root / name
    if path.is_dir():
        found = (file.relative_to(root) for file in path.rglob("*") if file.is_file() and file.name != ".gitignore")
        names = sorted(str(file) for file in found if "__pycache__" not in file.parts)
        files = [_file(root, file, known or {}) for file in names]
        return {
            "path": name,
            "sha256": folder_hash(name, files),
            "bytes": sum(file["bytes"] for file in files),
            "files": files,
        }
    return _file(root, name, known or {})


def folder_hash(name: str, files: list[dict[str, Any]]) -> str:
    """Return the hash of a folder: of a line for each file, with its path below the folder and its own hash."""
    lines = (f"{file['sha256']}  {Path(file['path']).relative_to(name)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _file(root: Path, name: str, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    path = root / name
    digest = sha256(path)
    found: dict[str, Any] = {"path": name, "sha256": digest, "bytes": path.stat().st_size}
    content = known[digest].get("content") if digest in known else content_hash(path)
    return found | ({"content": content} if content else {})


def flat(described: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the single files of what was described, by path."""
    return {file["path"]: file for entry in described for file in entry.get("files", [entry])}
