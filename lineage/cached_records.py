"""Records of earlier runs that DVC's cache still holds."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from lineage.dvc_storage import Cache

MAX_SIZE = 1 << 26  # bytes of a record

Record = Mapping[str, Any]


def read(cache: Cache, wanted: Collection[str]) -> dict[str, Record]:
    """Return the records with these SHA-256 among the cache's objects, which are named by MD5 and must all be read."""
    found: dict[str, Record] = {}
    for path in cache.objects.glob("??/*") if wanted else ():
        if path.suffix == ".dir" or path.stat().st_size > MAX_SIZE:
            continue
        with path.open("rb") as file:
            start = file.read(1)
            if start != b"{":
                continue
            data = start + file.read()
        digest = hashlib.sha256(data).hexdigest()
        if digest in wanted:
            found[digest] = json.loads(data)
    return found
