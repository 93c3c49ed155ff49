"""Records of earlier runs that DVC's cache still holds."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lineage.dvc_storage import Cache

MAX_SIZE = 1 << 26  # bytes of a record

Record = Mapping[str, Any]


def read(cache: Cache, wanted: Collection[str]) -> dict[str, Record]:
    """Return the records with these SHA-256 among the cache's objects, by SHA-256."""
    return dict(find(cache, wanted))


def find(cache: Cache, wanted: Collection[str]) -> Iterator[tuple[str, Record]]:
    """Yield SHA-256 and content of the records with these SHA-256; objects are named by MD5, so all must be read."""
    left = set(wanted)
    for path in cache.objects.glob("??/*") if left else ():
        if path.suffix == ".dir" or path.stat().st_size > MAX_SIZE:
            continue
        with path.open("rb") as file:
            start = file.read(1)
            if start != b"{":
                continue
            data = start + file.read()
        digest = hashlib.sha256(data).hexdigest()
        if digest in left:
            yield digest, json.loads(data)
            left.remove(digest)
            if not left:
                return


def of_files(files: Mapping[str, Path]) -> Iterator[tuple[str, Record]]:
    """Yield SHA-256 and content of records in files, which are given by SHA-256; damaged ones are left out."""
    for digest, path in files.items():
        with suppress(ValueError):
            yield digest, json.loads(path.read_bytes())
