"""Records of earlier runs, which no longer lie in the project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from lineage.verify.tree import Tree

LARGEST = 1 << 26  # bytes; records are far smaller


def from_cache(tree: Tree, wanted: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Return the records with these SHA-256 among the cache's objects: their names are MD5, each has to be read."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in tree.cache.glob("??/*"):
        if path.suffix == ".dir" or path.stat().st_size > LARGEST:
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
