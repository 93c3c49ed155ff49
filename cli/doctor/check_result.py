"""Result of a check of `breathline doctor`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CheckResult:
    """Result of one check, in words; the state `missing` makes the command end with status 1."""

    topic: str
    state: Literal["ok", "unusual", "missing"]
    found: str
    advice: str = ""
