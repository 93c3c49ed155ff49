"""What front ends want of recordings: at which sample rates, and whether faded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from models.frontends.registry import sample_rates
from models.frontends.settings import FrontEndSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError


def rates(front_ends: Collection[str]) -> list[int]:
    """Return the sample rates in Hz that front ends want, sorted.

    Raises:
        BreathlineError: There is no front end of a name.
    """
    known = sample_rates()
    for name in front_ends:
        if name not in known:
            raise BreathlineError(
                f"There is no front end `{name}`.", where="frontends", hint=f"one of: {', '.join(known)}"
            )
    return sorted({known[name] for name in front_ends})


def unfaded(front_ends: Mapping[str, Any]) -> list[int]:
    """Return the sample rates in Hz at which recordings keep their ends as they are, sorted.

    Args:
        front_ends: The section `frontends` of params.yaml.

    Raises:
        BreathlineError: There is no front end of a name, its settings do not fit, or two of one rate want different
            ends.
    """
    rates(front_ends)
    known = sample_rates()
    wishes: dict[int, dict[bool, str]] = {}
    for name, given in front_ends.items():
        settings = params.parse(FrontEndSettings, given, f"frontends.{name}")
        wishes.setdefault(known[name], {})[settings.fade] = name
    for rate, by_wish in wishes.items():
        if len(by_wish) > 1:
            raise BreathlineError(
                f"{by_wish[True]} wants faded recordings and {by_wish[False]} does not; both read those of {rate} Hz.",
                where="frontends",
                hint=f"set `fade` of {by_wish[True]} and {by_wish[False]} to the same",
            )
    return sorted(rate for rate, by_wish in wishes.items() if False in by_wish)
