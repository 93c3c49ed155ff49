"""Sample rates and fades that the front ends of params.yaml need."""

from collections.abc import Collection, Mapping
from typing import Any

from models.frontends.registry import sample_rates
from models.frontends.settings import FrontEndSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError


def rates(front_ends: Collection[str]) -> list[int]:
    """Return the sample rates of front ends in Hz, sorted.

    Raises:
        BreathlineError: A name is unknown.
    """
    known = sample_rates()
    for name in front_ends:
        if name not in known:
            raise BreathlineError(
                f"There is no front end `{name}`.", where="frontends", hint=f"one of: {', '.join(known)}"
            )
    return sorted({known[name] for name in front_ends})


def unfaded(front_ends: Mapping[str, Any]) -> list[int]:
    """Return the sample rates in Hz at which recordings are not faded in and out, sorted.

    Args:
        front_ends: Section `frontends` of params.yaml.

    Raises:
        BreathlineError: A name is unknown, settings do not fit, or two front ends of one rate differ in `fade`.
    """
    rates(front_ends)
    known = sample_rates()
    names: dict[int, dict[bool, str]] = {}
    for name, given in front_ends.items():
        settings = params.parse(FrontEndSettings, given, f"frontends.{name}")
        names.setdefault(known[name], {})[settings.fade] = name
    for rate, by_fade in names.items():
        if len(by_fade) > 1:
            raise BreathlineError(
                f"{by_fade[True]} and {by_fade[False]} differ in `fade`, but both read the recordings at {rate} Hz.",
                where="frontends",
                hint=f"set `fade` of {by_fade[True]} and {by_fade[False]} to the same",
            )
    return sorted(rate for rate, by_fade in names.items() if False in by_fade)
