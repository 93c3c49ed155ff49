"""What is expected of the recordings' sound: within limits, of the published form, and every sound once."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from tasks.checks.check import Check, check
from tasks.checks.gx import core
from tasks.checks.settings import QualityLimits

DISTURBANCES = {
    "max_clipped_fraction": ("clipped_fraction", "clipping", "At most {} of a recording's samples are clipped."),
    "max_constant_s": ("longest_constant_s", "constant_run", "No recording keeps one value for more than {} s."),
    "max_dc_offset": ("dc_offset", "dc_offset", "No recording's mean is further than {} of full scale from zero."),
    "max_silent_fraction": ("silent_fraction", "silence", "At most {} of a recording is silent."),
}

_recording = partial(check, key="recording_id")


def checks(quality: QualityLimits, unusable: QualityLimits) -> list[Check]:
    """Return them in the order in which they are told."""
    return [*_disturbances("unusable", unusable), *_disturbances("quality", quality), *_form()]


def _disturbances(family: str, limits: QualityLimits) -> list[Check]:
    """Return how much disturbance a recording may have."""
    checks = []
    for limit, most in asdict(limits).items():
        column, name, meaning = DISTURBANCES[limit]
        checks.append(
            _recording(
                f"{family}_{name}",
                family,
                core.ExpectColumnValuesToBeBetween,
                meaning.format(f"{most:g}"),
                f"listen to them; leave them out at the source, or raise `validate.{family}.{limit}`",
                column=column,
                max_value=most,
            )
        )
    return checks


def _form() -> list[Check]:
    """Return how files should be."""
    return [
        _recording(
            "wav_unique",
            "duplicates",
            core.ExpectColumnValuesToBeUnique,
            "No two recordings have the same audio file.",
            "find out which name is right, and remove the other recording at the source",
            column="recording_sha256",
        ),
        _recording(
            "mono",
            "oddities",
            core.ExpectColumnValuesToBeInSet,
            "Every recording has one channel, as ICBHI's have.",
            "nothing: the mean of the channels is used",
            column="channels",
            value_set=[1],
        ),
        _recording(
            "published_depth",
            "oddities",
            core.ExpectColumnValuesToBeInSet,
            "Every recording has 16 or 24 bits, as ICBHI's have.",
            "get the published files where they are to be had: 32 bits were made by someone who re-encoded them",
            column="bit_depth",
            value_set=[16, 24],
        ),
    ]
