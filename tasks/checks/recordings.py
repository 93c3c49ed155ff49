"""Checks of the table of recordings, apart from their sound (`tasks.checks.audio_quality`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial

from tasks.checks import expectations
from tasks.checks.check import EXTRACT, METADATA, Check, domain, of_patient, of_recording, required
from tasks.checks.gx import core
from tasks.checks.settings import Ranges
from tasks.corpora.expectations import Expectations

REQUIRED = (
    *(
        "recording_id",
        "patient_id",
        "sample_rate",
        "subtype",
        "bit_depth",
        "channels",
        "frames",
        "duration_s",
        "cycles",
    ),
    *("split", "recording_sha256", "peak", "dc_offset", "clipped_fraction", "longest_constant_s", "silent_fraction"),
)
RANGES = {
    "age": "ages are {} to {} years",
    "bmi": "BMIs are {} to {} kg/m²",
    "weight_kg": "weights are {} to {} kg",
    "height_cm": "heights are {} to {} cm",
    "sample_rate": "sample rates are {} to {} Hz",
    "bit_depth": "samples have {} to {} bits",
    "duration_s": "recordings last {} to {} s",
}
SHARED_RANGES = {name: name for name in ("age", "sample_rate", "bit_depth", "duration_s")}


def checks(
    ranges: Ranges, expected: Expectations, allowed_on_both_sides: Sequence[str], missing: Sequence[str]
) -> list[Check]:
    """Return the checks of the table of recordings.

    Args:
        ranges: The plausible values of `validate.ranges`.
        expected: The expectations of the corpus.
        allowed_on_both_sides: Patients who may be on both sides of the split.
        missing: Recordings that the split file names and the source does not have.
    """
    return [
        *_identity(expected),
        *_values(ranges, expected),
        *_references(expected),
        *_splits(list(allowed_on_both_sides)),
        *_known(expected),
        *_oddities(expected, list(missing)),
    ]


def _identity(expected: Expectations) -> Iterator[Check]:
    """Yield the checks of required values and names."""
    yield from required(of_recording, "recording", (*REQUIRED, *expected.required.get("recordings", ())))
    if expected.name is not None:
        yield of_recording(
            "recording_id_pattern",
            "names",
            core.ExpectColumnValuesToMatchRegex,
            expected.name.meaning,
            expected.name.hint,
            column="recording_id",
            regex=expected.name.pattern,
        )
        yield of_recording(
            "recording_id_agrees",
            "names",
            expectations.ExpectRecordingNameToAgree,
            f"A recording's name agrees with its columns {', '.join(expected.name.parts)}.",
            EXTRACT,
            column_list=["recording_id", *expected.name.parts],
        )
    yield of_recording(
        "recording_id_unique",
        "uniqueness",
        core.ExpectColumnValuesToBeUnique,
        "Every recording is in the table once.",
        EXTRACT,
        column="recording_id",
    )


def _values(ranges: Ranges, expected: Expectations) -> Iterator[Check]:
    """Yield the checks of allowed values."""
    row_of = dict.fromkeys(expected.patient_columns, of_patient)
    for column, values in expected.domains.get("recordings", {}).items():
        yield domain(row_of.get(column, of_recording), column, values, METADATA)
    columns = {**SHARED_RANGES, **expected.ranges}
    for name, (low, high) in asdict(ranges).items():
        if name not in columns:
            continue
        column = columns[name]
        yield row_of.get(column, of_recording)(
            f"{name}_range",
            "ranges",
            core.ExpectColumnValuesToBeBetween,
            f"All {RANGES[name].format(f'{low:g}', f'{high:g}')}.",
            f"{METADATA}; where the value is right, widen `validate.ranges.{name}`",
            column=column,
            min_value=low,
            max_value=high,
        )


def _references(expected: Expectations) -> Iterator[Check]:
    """Yield the checks of agreement between columns, rows and tables."""
    yield of_recording(
        "duration_agrees",
        "times",
        expectations.ExpectDurationToFollowFrames,
        "A recording's duration is its number of frames divided by its sample rate.",
        EXTRACT,
    )
    yield of_recording(
        "cycles_found",
        "references",
        core.ExpectColumnPairValuesToBeEqual,
        "Every recording has as many cycles in cycles.parquet as its row says.",
        EXTRACT,
        column_A="cycles",
        column_B="cycles_found",
    )
    if expected.patient_columns:
        yield of_patient(
            "patient_consistent",
            "references",
            expectations.ExpectPatientToBeConsistent,
            f"A patient has the same {', '.join(expected.patient_columns)} in all recordings.",
            METADATA,
            column_list=["patient_id", *expected.patient_columns],
        )


def _splits(allowed: list[str]) -> Iterator[Check]:
    """Yield the checks that keep training and test apart."""
    but = f" but {', '.join(allowed)}, whom the official split has on both," if allowed else ""
    yield of_patient(
        "patients_on_one_side",
        "splits",
        expectations.ExpectOneSideOfSplit,
        f"Every patient{but} is on one side of the split.",
        "correct the split file at the source: scores on patients of the training side are too high",
        column_list=["patient_id", "split"],
        allowed=allowed,
    )
    yield of_recording(
        "wav_on_one_side",
        "splits",
        expectations.ExpectOneSideOfSplit,
        "No audio file is in train under one name and in test under another.",
        "remove one of them at the source: audio of the training side must not be tested on",
        column_list=["recording_sha256", "split"],
    )
    yield of_patient(
        "patients_disjoint",
        "oddities",
        expectations.ExpectOneSideOfSplit,
        "No patient at all is on both sides of the split.",
        "nothing where published scores are compared; `split: official-disjoint` trains without these patients",
        column_list=["patient_id", "split"],
    )


def _known(expected: Expectations) -> Iterator[Check]:
    """Yield the checks of metadata that should be known of every patient."""
    for rule in expected.known:
        known = partial(
            of_patient,
            rule.name,
            "completeness",
            meaning=rule.meaning,
            hint=f"nothing, where the source does not know it; else {METADATA}",
        )
        columns = [column for alternative in rule.alternatives for column in alternative]
        if len(columns) == 1:
            yield known(core.ExpectColumnValuesToNotBeNull, column=columns[0])
        else:
            yield known(
                expectations.ExpectAnyToBeKnown,
                column_list=["patient_id", *columns],
                alternatives=[list(alternative) for alternative in rule.alternatives],
            )


def _oddities(expected: Expectations, missing: list[str]) -> Iterator[Check]:
    """Yield the checks of facts that a reader of the scores should know."""
    for usual in expected.usual:
        unusual = partial(of_recording, usual.name, "oddities", meaning=usual.meaning, hint=usual.hint)
        if usual.values is None:
            yield unusual(core.ExpectColumnValuesToBeNull, column=usual.column)
        else:
            yield unusual(core.ExpectColumnValuesToBeInSet, column=usual.column, value_set=list(usual.values))
    yield of_recording(
        "nothing_missing",
        "oddities",
        expectations.ExpectColumnToContain,
        "Every recording that the split file names is in the table.",
        "get the complete corpus, or present scores as scores on a part of it",
        column="recording_id",
        names=missing,
    )
    yield of_recording(
        "has_cycles",
        "oddities",
        core.ExpectColumnValuesToBeBetween,
        "Every recording has an annotated cycle.",
        "find out whether the annotation beside the wav is empty by mistake",
        column="cycles",
        min_value=1,
    )
