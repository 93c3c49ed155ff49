"""What is expected of the table of cycles."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tasks.checks import custom, promised_counts
from tasks.checks.check import Check, check
from tasks.checks.gx import core
from tasks.checks.recordings import EXTRACT

REQUIRED = (
    *("cycle_id", "recording_id", "patient_id", "cycle_index", "start_s", "end_s", "duration_s"),
    *("icbhi_crackles", "icbhi_wheezes", "lungsound_4", "lungsound_2", "split"),
)
ANNOTATION = "correct the recording's annotation file at the source, then run `download` again"

_cycle = partial(check, key="cycle_id")


def checks(cycle_s: tuple[float, float], tolerance_s: float, summary: Mapping[str, Any]) -> list[Check]:
    """Return them in the order in which they are told; the arguments are those of `ValidationSettings`."""
    return [
        *_identity(),
        *_references(),
        *_labels(),
        *_times(tolerance_s),
        *_lengths(*cycle_s),
        *promised_counts.cycles(summary),
        _cycle(
            "audio_unique",
            "duplicates",
            core.ExpectColumnValuesToBeUnique,
            "No two cycles have the same samples.",
            "look whether the annotation repeats a line, or the cycles are digital silence",
            column="audio_sha256",
        ),
    ]


def _identity() -> list[Check]:
    """Return what makes a cycle known."""
    required = [
        _cycle(
            f"{column}_required",
            "required",
            core.ExpectColumnValuesToNotBeNull,
            f"Every cycle has a {column}.",
            EXTRACT,
            column=column,
        )
        for column in REQUIRED
    ]
    return [
        *required,
        _cycle(
            "cycle_id_agrees",
            "names",
            custom.ExpectCycleNameToAgree,
            "A cycle is named by its recording and its number, in three digits.",
            EXTRACT,
        ),
        _cycle(
            "cycle_id_unique",
            "uniqueness",
            core.ExpectColumnValuesToBeUnique,
            "Every cycle is there once.",
            EXTRACT,
            column="cycle_id",
        ),
        _cycle(
            "counted_through",
            "references",
            custom.ExpectCyclesCountedThrough,
            "The cycles of a recording are numbered from 0 without a gap: none is left out.",
            EXTRACT,
        ),
    ]


def _references() -> list[Check]:
    """Return what has to agree with the table of recordings."""
    exists = _cycle(
        "recording_exists",
        "references",
        core.ExpectColumnPairValuesToBeEqual,
        "Every cycle's recording is in recordings.parquet.",
        EXTRACT,
        column_A="recording_id",
        column_B="recording_found",
        ignore_row_if="neither",
    )
    return [exists] + [
        _cycle(
            f"{column}_agrees",
            "references",
            core.ExpectColumnPairValuesToBeEqual,
            f"A cycle has the {column} of its recording.",
            EXTRACT,
            column_A=column,
            column_B=f"recording_{column}",
            ignore_row_if="both_values_are_missing",
        )
        for column in ("patient_id", "split", "fold")
    ]


def _labels() -> list[Check]:
    """Return what flags and labels there can be."""
    flags = [
        _cycle(
            f"{column}_domain",
            "domains",
            core.ExpectColumnValuesToBeInSet,
            f"Whether there are {column} is 0 or 1.",
            ANNOTATION,
            column=column,
            value_set=[0, 1],
        )
        for column in ("icbhi_crackles", "icbhi_wheezes")
    ]
    return [
        *flags,
        _cycle(
            "lungsound_agrees",
            "labels",
            custom.ExpectLungSoundsToFollowFlags,
            "The lung-sound labels follow from crackles and wheezes.",
            EXTRACT,
        ),
        _cycle(
            "diagnosis_agrees",
            "labels",
            custom.ExpectDiagnosisLabelsToFollow,
            "The diagnosis labels follow from the patient's diagnosis.",
            EXTRACT,
        ),
    ]


def _times(tolerance_s: float) -> list[Check]:
    """Return where in a recording cycles can be."""
    return [
        _cycle(
            "start_not_negative",
            "times",
            core.ExpectColumnValuesToBeBetween,
            "No cycle starts before its recording.",
            ANNOTATION,
            column="start_s",
            min_value=0,
        ),
        _cycle(
            "length_positive",
            "times",
            core.ExpectColumnPairValuesAToBeGreaterThanB,
            "Every cycle ends after it starts.",
            ANNOTATION,
            column_A="end_s",
            column_B="start_s",
        ),
        _cycle(
            "duration_agrees",
            "times",
            custom.ExpectDurationToFollowTimes,
            "A cycle's duration is its end less its start.",
            EXTRACT,
        ),
        _cycle(
            "inside_audio",
            "times",
            custom.ExpectCycleInsideAudio,
            f"No cycle ends more than {tolerance_s:g} s after its recording.",
            f"{ANNOTATION}; or look whether the wav is cut off",
            tolerance_s=tolerance_s,
        ),
        _cycle(
            "audio_there",
            "times",
            core.ExpectColumnValuesToNotBeNull,
            "Every cycle holds at least one sample.",
            f"{ANNOTATION}; or look whether the wav is cut off",
            column="audio_sha256",
        ),
        _cycle(
            "in_order",
            "times",
            custom.ExpectCyclesInOrder,
            "The cycles of a recording are numbered by their start.",
            ANNOTATION,
        ),
        _cycle(
            "apart",
            "times",
            custom.ExpectCyclesApart,
            f"No cycle starts more than {tolerance_s:g} s before the end of the one before it.",
            ANNOTATION,
            tolerance_s=tolerance_s,
        ),
    ]


def _lengths(shortest: float, longest: float) -> list[Check]:
    """Return how long a breath usually is."""
    usual = partial(_cycle, family="lengths", kind=core.ExpectColumnValuesToBeBetween, column="duration_s")
    hint = "look at the annotation; where it is right, there is nothing to do: all are brought to one length"
    return [
        usual("not_short", meaning=f"No cycle is shorter than {shortest:g} s.", hint=hint, min_value=shortest),
        usual("not_long", meaning=f"No cycle is longer than {longest:g} s.", hint=hint, max_value=longest),
    ]
