"""Checks of the table of cycles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from tasks.checks import expectations
from tasks.checks.check import ANNOTATION, EXTRACT, Check, domain, of_cycle, required
from tasks.checks.gx import core
from tasks.corpora.expectations import Expectations
from tasks.runtime.corpus_facts import LabelSet

REQUIRED = (*("cycle_id", "recording_id", "patient_id", "cycle_index", "start_s", "end_s", "duration_s", "split"),)
CUT_OFF = f"{ANNOTATION}; or find out whether the wav is cut off"


def checks(
    cycle_s: tuple[float, float], tolerance_s: float, expected: Expectations, label_sets: Mapping[str, LabelSet]
) -> list[Check]:
    """Return the checks of the table of cycles.

    Args:
        cycle_s: Usual length of a cycle in seconds, from the shortest to the longest.
        tolerance_s: Allowed overlap of cycles with each other and with the end of the recording, in seconds.
        expected: The expectations of the corpus.
        label_sets: The label sets of the corpus.
    """
    return [
        *_identity(expected),
        *_references(),
        *_labels(expected, label_sets),
        *_times(tolerance_s),
        *_lengths(*cycle_s),
        of_cycle(
            "audio_unique",
            "duplicates",
            core.ExpectColumnValuesToBeUnique,
            "No two cycles have the same samples.",
            "find out whether the annotation repeats a line, or the cycles are digital silence",
            column="audio_sha256",
        ),
    ]


def _identity(expected: Expectations) -> Iterator[Check]:
    """Yield the checks of required values and names."""
    yield from required(of_cycle, "cycle", (*REQUIRED, *expected.required.get("cycles", ())))
    yield of_cycle(
        "cycle_id_agrees",
        "names",
        expectations.ExpectCycleNameToAgree,
        "A cycle's name is made of its recording and its number in three digits.",
        EXTRACT,
    )
    yield of_cycle(
        "cycle_id_unique",
        "uniqueness",
        core.ExpectColumnValuesToBeUnique,
        "Every cycle is in the table once.",
        EXTRACT,
        column="cycle_id",
    )
    yield of_cycle(
        "counted_through",
        "references",
        expectations.ExpectCyclesNumberedWithoutGap,
        "The cycles of a recording are numbered from 0 without a gap: none is missing.",
        EXTRACT,
    )


def _references() -> Iterator[Check]:
    """Yield the checks of agreement with the table of recordings."""
    yield of_cycle(
        "recording_exists",
        "references",
        core.ExpectColumnPairValuesToBeEqual,
        "Every cycle's recording is in recordings.parquet.",
        EXTRACT,
        column_A="recording_id",
        column_B="recording_found",
        ignore_row_if="neither",
    )
    for column in ("patient_id", "split", "fold"):
        yield of_cycle(
            f"{column}_agrees",
            "references",
            core.ExpectColumnPairValuesToBeEqual,
            f"A cycle has the {column} of its recording.",
            EXTRACT,
            column_A=column,
            column_B=f"recording_{column}",
            ignore_row_if="both_values_are_missing",
        )


def _labels(expected: Expectations, label_sets: Mapping[str, LabelSet]) -> Iterator[Check]:
    """Yield the checks of annotated values and labels."""
    derived = {column for rule in expected.labels for column in rule.classes}
    domains = dict(expected.domains.get("cycles", {}))
    domains |= {one.column: tuple(range(len(one.classes))) for one in label_sets.values() if one.column not in derived}
    for column, values in domains.items():
        yield domain(of_cycle, column, values, ANNOTATION)
    for rule in expected.labels:
        yield of_cycle(
            rule.name,
            "labels",
            expectations.ExpectLabelsToFollow,
            rule.meaning,
            EXTRACT,
            column_list=[*rule.sources, *rule.classes],
            classes={column: dict(classes) for column, classes in rule.classes.items()},
        )


def _times(tolerance_s: float) -> Iterator[Check]:
    """Yield the checks of start and end."""
    yield of_cycle(
        "start_not_negative",
        "times",
        core.ExpectColumnValuesToBeBetween,
        "No cycle starts before its recording.",
        ANNOTATION,
        column="start_s",
        min_value=0,
    )
    yield of_cycle(
        "length_positive",
        "times",
        core.ExpectColumnPairValuesAToBeGreaterThanB,
        "Every cycle ends after it starts.",
        ANNOTATION,
        column_A="end_s",
        column_B="start_s",
    )
    yield of_cycle(
        "duration_agrees",
        "times",
        expectations.ExpectDurationToFollowTimes,
        "A cycle's duration is its end minus its start.",
        EXTRACT,
    )
    yield of_cycle(
        "inside_audio",
        "times",
        expectations.ExpectCycleInsideAudio,
        f"No cycle ends more than {tolerance_s:g} s after its recording.",
        CUT_OFF,
        tolerance_s=tolerance_s,
    )
    yield of_cycle(
        "audio_there",
        "times",
        core.ExpectColumnValuesToNotBeNull,
        "Every cycle has at least one sample.",
        CUT_OFF,
        column="audio_sha256",
    )
    yield of_cycle(
        "in_order",
        "times",
        expectations.ExpectCyclesInOrder,
        "The cycles of a recording are numbered by their start.",
        ANNOTATION,
    )
    yield of_cycle(
        "apart",
        "times",
        expectations.ExpectCyclesApart,
        f"No cycle starts more than {tolerance_s:g} s before the end of the previous one.",
        ANNOTATION,
        tolerance_s=tolerance_s,
    )


def _lengths(shortest: float, longest: float) -> list[Check]:
    """Return the checks of the usual length."""
    usual = partial(
        of_cycle,
        family="lengths",
        kind=core.ExpectColumnValuesToBeBetween,
        hint="compare with the recording; nothing, where the annotation is right: all clips have one length",
        column="duration_s",
    )
    return [
        usual("not_short", meaning=f"No cycle is shorter than {shortest:g} s.", min_value=shortest),
        usual("not_long", meaning=f"No cycle is longer than {longest:g} s.", max_value=longest),
    ]
