"""What front ends want of recordings: at which sample rates, and whether faded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from models.frontends.rates import SAMPLE_RATES
from models.frontends.settings import FrontEndSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError


def rates(front_ends: Collection[str]) -> list[int]:
    """Return the sample rates in Hz that front ends want, sorted.

    Raises:
        BreathlineError: There is no front end of a name.
    """
    for name in front_ends:
        if name not in SAMPLE_RATES:
            known = ", ".join(sorted(SAMPLE_RATES))
            raise BreathlineError(f"There is no front end `{name}`.", where="frontends", hint=f"one of: {known}")
    return sorted({SAMPLE_RATES[name] for name in front_ends})


def unfaded(front_ends: Mapping[str, Any]) -> list[int]:
    """Return the sample rates in Hz at which recordings keep their ends as they are, sorted.

    Args:
        front_ends: The section `frontends` of params.yaml.

    Raises:
        BreathlineError: There is no front end of a name, its settings do not fit, or two of one rate want different
            ends.
    """
    rates(front_ends)
    wishes: dict[int, dict[bool, str]] = {}
    for name, given in front_ends.items():
        settings = params.parse(FrontEndSettings, given, f"frontends.{name}")
        wishes.setdefault(SAMPLE_RATES[name], {})[settings.fade] = name
    for rate, by_wish in wishes.items():
        if len(by_wish) > 1:
            raise BreathlineError(
                f"{by_wish[True]} wants faded recordings and {by_wish[False]} does not; both read those of {rate} Hz.",
                where="frontends",
                hint=f"set `fade` of {by_wish[True]} and {by_wish[False]} to the same",
            )
    return sorted(rate for rate, by_wish in wishes.items() if False in by_wish)
