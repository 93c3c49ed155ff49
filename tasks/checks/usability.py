"""Gate of recordings: the limits of quality, for the checks of `validate` and for `predict`."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.checks.settings import UnusableLimits

# `validate.unusable` of params.yaml, for predictions outside of a project.
DEFAULTS = UnusableLimits(
    min_duration_s=0.1,
    max_peak=16.0,
    max_mix_loss_db=20.0,
    max_clipped_fraction=0.5,
    max_constant_s=30.0,
    max_dc_offset=0.5,
    max_silent_fraction=0.9,
)


@dataclass(frozen=True)
class Limit:
    """Limit of one measure.

    Attributes:
        key: Name of the limit in params.yaml; it begins with `max` or `min`.
        measure: Column of the measure in the table of recordings.
        name: Name of the check, without its family.
        rule: Meaning of the check, with a place for the limit.
        cause: What is wrong with a recording beyond the limit, with places for `value` and `limit`.
    """

    key: str
    measure: str
    name: str
    rule: str
    cause: str

    @property
    def bound(self) -> str:
        """Return the name of the bound in an expectation."""
        return f"{self.key[:3]}_value"

    def holds(self, value: float, limit: float) -> bool:
        """Return whether a value is within the limit."""
        return value >= limit if self.key.startswith("min") else value <= limit


LEVEL = Limit(
    "max_peak",
    "peak",
    "level",
    "No sample is beyond %g times full scale.",
    "samples up to {value:,.6g} times full scale: floats at the scale of integers, to be divided by it (such as 32768)",
)
LIMITS = (
    LEVEL,
    Limit(
        "min_duration_s",
        "duration_s",
        "duration",
        "No recording is shorter than %g s.",
        "{value:.2g} s long, shorter than {limit:g} s",
    ),
    Limit(
        "max_mix_loss_db",
        "mix_loss_db",
        "cancellation",
        "The mean of the channels, which models hear, is at most %g dB quieter than the channels.",
        "the channels cancel each other (one is inverted): their mean, which models hear, is {value:.0f} dB quieter",
    ),
    Limit(
        "max_clipped_fraction",
        "clipped_fraction",
        "clipping",
        "At most %g of a recording's samples are clipped.",
        "{value:.0%} of the samples are clipped",
    ),
    Limit(
        "max_constant_s",
        "longest_constant_s",
        "constant_run",
        "No recording keeps one value for more than %g s.",
        "one value for {value:.1f} s",
    ),
    Limit(
        "max_dc_offset",
        "dc_offset",
        "dc_offset",
        "No recording's mean is further than %g of full scale from zero.",
        "a mean of {value:.2f} of full scale (DC)",
    ),
    Limit(
        "max_silent_fraction",
        "silent_fraction",
        "silence",
        "At most %g of a recording is silent.",
        "{value:.0%} silence, or constant values",
    ),
)


def unusable(measures: Mapping[str, float | None], limits: UnusableLimits = DEFAULTS) -> tuple[str, ...]:
    """Return the reasons why a recording is unusable; none for a usable one.

    Args:
        measures: Measures of `tasks.audio.quality` by name, and `duration_s`, as in the table of recordings.
        limits: Limits of the measures.
    """
    found = {}
    for limit in LIMITS:
        value, bound = measures[limit.measure], getattr(limits, limit.key)
        if value is not None and not limit.holds(value, bound):
            found[limit] = limit.cause.format(value=value, limit=bound)
    if LEVEL in found:  # the other measures refer to full scale
        return (found[LEVEL],)
    return tuple(found.values())
