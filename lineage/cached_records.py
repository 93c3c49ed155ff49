"""Records of earlier runs that DVC's cache still holds."""

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lineage.dvc_storage import Cache

MIN_SIZE, MAX_SIZE = 1 << 8, 1 << 26  # bytes of a record
BEGIN, BEGIN_BYTES = re.compile(rb'\{\s*"'), 16
END, END_BYTES = re.compile(rb'"stage":\s*"([^"]+)"\s*\}\s*$'), 200

Record = Mapping[str, Any]


def read(cache: Cache, wanted: Collection[str]) -> dict[str, Record]:
    """Return the records with these SHA-256 among the cache's objects, by SHA-256."""
    return dict(find(cache, wanted))


def find(cache: Cache, wanted: Collection[str]) -> Iterator[tuple[str, Record]]:
    """Yield SHA-256 and content of the records with these SHA-256; objects are named by MD5, so all must be read."""
    left = set(wanted)
    for paths in by_stage(cache).values() if left else ():
        for path in paths:
            data = path.read_bytes()
            if (digest := hashlib.sha256(data).hexdigest()) in left:
                yield digest, json.loads(data)
                left.remove(digest)
                if not left:
                    return


def by_stage(cache: Cache) -> dict[str, list[Path]]:
    """Return the objects that are records, by stage. Their first and last bytes tell: `stage` is the last key."""
    found: dict[str, list[Path]] = {}
    for entry in cache.entries():
        if entry.name.endswith(".dir") or not MIN_SIZE <= entry.stat().st_size <= MAX_SIZE:
            continue
        with open(entry, "rb") as file:
            if not BEGIN.match(file.read(BEGIN_BYTES)):
                continue
            file.seek(-END_BYTES, os.SEEK_END)
            if stage := END.search(file.read()):
                found.setdefault(stage[1].decode(errors="replace"), []).append(Path(entry))
    return found


def of_files(files: Mapping[str, Path]) -> Iterator[tuple[str, Record]]:
    """Yield SHA-256 and content of records in files, which are given by SHA-256; damaged ones are left out."""
    for digest, path in files.items():
        with suppress(ValueError):
            yield digest, json.loads(path.read_bytes())
