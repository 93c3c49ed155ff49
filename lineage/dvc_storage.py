"""dvc.lock, DVC's local cache and run-cache, and remotes in folders, read without DVC."""

import configparser
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError

LOCK = "dvc.lock"
REMOTE = re.compile(r"""'?remote "(.+)"'?""")  # section of DVC's settings


@dataclass(frozen=True)
class Cache:
    """DVC's local cache, or a remote in a folder, which has the same layout."""

    folder: Path  # folder of the cache

    @property
    def objects(self) -> Path:
        """The folder of the objects, which are named by their MD5."""
        return self.folder / "files" / "md5"

    def object(self, md5: str) -> Path:
        """Return the path of the object with an MD5, whether or not the object exists."""
        return self.objects / md5[:2] / md5[2:]

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of all objects; none if there is no cache."""
        with suppress(FileNotFoundError):
            for folder in sorted(os.listdir(self.objects)):
                if (self.objects / folder).is_dir():
                    with os.scandir(self.objects / folder) as found:
                        yield from (entry for entry in found if entry.is_file())

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

    def runs(self, stage: Mapping[str, Any]) -> Iterator[Path]:
        """Yield the entries of the run-cache for a stage of dvc.lock: one for each result of its command and inputs."""
        key = run_hash({**stage, "outs": [entry["path"] for entry in stage["outs"]]})
        yield from sorted((self.folder / "runs" / key[:2] / key).glob("*"))


def run_hash(stage: Mapping[str, Any]) -> str:
    """Return the name of an entry of the run-cache, which follows from its content without sizes (`dvc.stage.cache`).

    The hash of a stage whose outs have no MD5 is the name of the folder of its entries.
    """
    return hashlib.sha256(json.dumps(_without_sizes(stage), sort_keys=True).encode()).hexdigest()


def _without_sizes(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_sizes(inner) for key, inner in value.items() if key not in ("size", "nfiles")}
    return [_without_sizes(inner) for inner in value] if isinstance(value, list) else value


def cache_of(root: Path) -> Cache:
    """Return the cache of a project, as DVC's settings give it: of the machine, the user, the project and its clone.

    Raises:
        BreathlineError: A file of settings is damaged.
    """
    folder = root / ".dvc"
    return Cache((folder / _settings(root).get("cache", "dir", fallback="cache")).resolve())


def remotes_of(root: Path) -> dict[str, Cache | str]:
    """Return the remotes of a project by name: those in a folder of this machine as a cache, others as their URL.

    Raises:
        BreathlineError: A file of settings is damaged.
    """
    settings, found = _settings(root), dict[str, Cache | str]()
    for section in settings.sections():
        if (name := REMOTE.fullmatch(section)) and (url := settings.get(section, "url", fallback="")):
            local = url.removeprefix("file://")
            found[name[1]] = url if "://" in local else Cache((root / ".dvc" / local).resolve())
    return found


def _settings(root: Path) -> configparser.ConfigParser:
    from dvc.dirs import global_config_dir, system_config_dir  # 20 ms, which most commands do without

    folder = root / ".dvc"
    files = [Path(place()) / "config" for place in (system_config_dir, global_config_dir)]
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        settings.read([*files, folder / "config", folder / "config.local"], encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        hint = "correct the file, or restore it: `git checkout .dvc/config`"
        raise BreathlineError(f"DVC's settings cannot be read: {error}", where=folder, hint=hint) from error
    return settings


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
