"""Difference of two mappings: keys added, removed and changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Changes:
    """Difference of two mappings."""

    added: tuple[str, ...] = ()  # keys that only the second mapping has, sorted
    removed: tuple[str, ...] = ()  # keys that only the first mapping has, sorted
    changed: Mapping[str, Any] = field(default_factory=dict)  # `[old, new]` by key, sorted

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """Return the difference of two mappings; a changed value is ``[old, new]``."""
    return Changes(
        added=tuple(sorted(set(new) - set(old))),
        removed=tuple(sorted(set(old) - set(new))),
        changed={key: [old[key], new[key]] for key in sorted(set(old) & set(new)) if old[key] != new[key]},
    )
