"""Result of one check of `breathline doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class CheckResult:
    """One line of the table.

    Attributes:
        topic: Subject of the check.
        state: Verdict; `missing` makes the command end with status 1.
        found: Observed state, in words.
        advice: Next step, if one is needed.
    """

    topic: str
    state: Literal["ok", "unusual", "missing"]
    found: str
    advice: str = ""
