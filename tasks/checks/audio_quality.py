"""Checks of the recordings' sound: limits of disturbances, and equal files."""

from __future__ import annotations

from dataclasses import asdict

from tasks.checks.check import Check, of_recording
from tasks.checks.gx import core
from tasks.checks.settings import QualityLimits

# Column, name of the check and meaning, by the name of the limit.
DISTURBANCES = {
    "max_clipped_fraction": ("clipped_fraction", "clipping", "At most {} of a recording's samples are clipped."),
    "max_constant_s": ("longest_constant_s", "constant_run", "No recording keeps one value for more than {} s."),
    "max_dc_offset": ("dc_offset", "dc_offset", "No recording's mean is further than {} of full scale from zero."),
    "max_silent_fraction": ("silent_fraction", "silence", "At most {} of a recording is silent."),
}


def checks(quality: QualityLimits, unusable: QualityLimits) -> list[Check]:
    """Return the checks of the recordings' sound."""
    return [
        *_disturbances("unusable", unusable),
        *_disturbances("quality", quality),
        of_recording(
            "wav_unique",
            "duplicates",
            core.ExpectColumnValuesToBeUnique,
            "No two recordings have the same audio file.",
            "find out which name is right, and remove the other recording at the source",
            column="recording_sha256",
        ),
    ]


def _disturbances(family: str, limits: QualityLimits) -> list[Check]:
    """Return the checks of one family of limits."""
    checks = []
    for limit, most in asdict(limits).items():
        column, name, meaning = DISTURBANCES[limit]
        checks.append(
            of_recording(
                f"{family}_{name}",
                family,
                core.ExpectColumnValuesToBeBetween,
                meaning.format(f"{most:g}"),
                f"listen to the recordings; remove them at the source, or raise `validate.{family}.{limit}`",
                column=column,
                max_value=most,
            )
        )
    return checks
