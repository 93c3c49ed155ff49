"""dvc.lock and DVC's local cache, read without DVC."""

import configparser
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError

LOCK = "dvc.lock"


@dataclass(frozen=True)
class Cache:
    """DVC's local cache."""

    objects: Path  # folder of the objects, which are named by their MD5

    def object(self, md5: str) -> Path:
        """Return the path of the object with an MD5, whether or not the object exists."""
        return self.objects / md5[:2] / md5[2:]

    def files(self, path: str, md5: str) -> dict[str, str]:
        """Return the MD5 of each file of an out, by path.

        An MD5 that ends in ``.dir`` is that of a folder's listing. Without the listing the files are unknown, and the
        result is empty.
        """
        if not md5.endswith(".dir"):
            return {path: md5}
        try:
            listed = json.loads(self.object(md5).read_text(encoding="utf-8"))
            return {f"{path}/{entry['relpath']}": str(entry["md5"]) for entry in listed}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def cache_of(root: Path) -> Cache:
    """Return the cache of a project, as `.dvc/config` and `.dvc/config.local` set it.

    Raises:
        BreathlineError: A file of settings is damaged.
    """
    folder = root / ".dvc"
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read([folder / "config", folder / "config.local"], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        hint = "correct the file, or restore it: `git checkout .dvc/config`"
        raise BreathlineError(f"DVC's settings cannot be read: {error}", where=folder, hint=hint) from error
    return Cache((folder / config.get("cache", "dir", fallback="cache")).resolve() / "files" / "md5")


def read_lock(source: Path | bytes) -> dict[str, Mapping[str, Any]]:
    """Return the stages of a dvc.lock by name, from a file or its bytes.

    Raises:
        BreathlineError: It cannot be read, as after a merge that was not finished.
    """
    text = source.decode(errors="replace") if isinstance(source, bytes) else yaml_files.read_text(source)
    loaded = yaml_files.parse(text, source if isinstance(source, Path) else Path(LOCK)) or {}
    stages = loaded.get("stages") if isinstance(loaded, dict) else None
    if not isinstance(stages, dict | None) or not all(isinstance(one, dict) for one in (stages or {}).values()):
        where = source if isinstance(source, Path) else LOCK
        raise BreathlineError("The file has no stages.", where=where, hint="run `git checkout dvc.lock`")
    return dict(stages or {})


def entries(lock: Mapping[str, Mapping[str, Any]], kind: str) -> Iterator[tuple[str, str, str]]:
    """Yield stage, path and MD5 of all entries of a kind (``deps`` or ``outs``) in a dvc.lock."""
    for stage, given in lock.items():
        for entry in given.get(kind, ()):
            yield stage, str(entry["path"]), str(entry["md5"])
