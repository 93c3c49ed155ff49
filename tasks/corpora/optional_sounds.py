"""Rhonchi and stridor, which the shared label sets leave out unless the settings of a corpus map them to wheeze.

The literature leaves them out; some publications count rhonchi as wheeze.
"""

from collections.abc import Collection
from itertools import combinations

from tasks.corpora.settings import OptionalSounds

OPTIONAL = ("Rhonchi", "Stridor")
SEPARATOR = ", "  # of names in a column


def column(settings: OptionalSounds) -> str | None:
    """Return the value of a column `…_also_wheeze`: the sounds that count as wheeze, or None."""
    return SEPARATOR.join(name for name in OPTIONAL if getattr(settings, name.lower())) or None


def names(value: str | None) -> list[str]:
    """Return the sounds that count as wheeze from the value of a column `…_also_wheeze`."""
    return value.split(SEPARATOR) if value else []


def columns() -> dict[str, Collection[str]]:
    """Return the sounds that count as wheeze by each value of a column `…_also_wheeze`, as the checks show it."""
    chosen = [some for number in range(len(OPTIONAL) + 1) for some in combinations(OPTIONAL, number)]
    return {SEPARATOR.join(some) or "unknown": some for some in chosen}  # a missing value is called unknown
