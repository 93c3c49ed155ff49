"""What was added, removed and changed between two mappings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Changes:
    """The difference of two mappings.

    Attributes:
        added: Keys that only the second has, sorted, as all here.
        removed: Keys that only the first has.
        changed: For each key that both have with different values, the old and the new one.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def between(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """Return what differs; a changed value is told as ``[old, new]``."""
    return Changes(
        added=tuple(sorted(set(new) - set(old))),
        removed=tuple(sorted(set(old) - set(new))),
        changed={key: [old[key], new[key]] for key in sorted(set(old) & set(new)) if old[key] != new[key]},
    )
