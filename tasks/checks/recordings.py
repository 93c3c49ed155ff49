"""What is expected of the table of recordings, but for the sound itself (`tasks.checks.audio_quality`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from tasks.checks import custom, promised_counts
from tasks.checks.check import Check, check
from tasks.checks.gx import core
from tasks.checks.settings import Ranges
from tasks.corpora.icbhi.labels import DIAGNOSES
from tasks.corpora.icbhi.names import CHEST_LOCATIONS, DEVICES, MODES

REQUIRED = (
    *("recording_id", "patient_id", "icbhi_recording_index", "location", "icbhi_mode", "device"),
    *("sample_rate", "subtype", "bit_depth", "channels", "frames", "duration_s", "cycles", "split"),
    *(
        "recording_sha256",
        "annotation_sha256",
        "peak",
        "dc_offset",
        "clipped_fraction",
        "longest_constant_s",
        "silent_fraction",
    ),
)
DOMAINS: dict[str, list[Any]] = {
    "location": list(CHEST_LOCATIONS),
    "icbhi_mode": list(MODES),
    "device": list(DEVICES),
    "sex": ["F", "M"],
    "diagnosis": list(DIAGNOSES),
    "split": ["train", "test"],
    "fold": [0, 1, 2, 3, 4],
}
RANGES = {
    "age": "ages are {} to {} years",
    "bmi": "BMIs are {} to {} kg/m²",
    "weight_kg": "weights are {} to {} kg",
    "height_cm": "heights are {} to {} cm",
    "sample_rate": "sample rates are {} to {} Hz",
    "bit_depth": "samples have {} to {} bits",
    "duration_s": "recordings last {} to {} s",
}
COLUMNS = {"bmi": "icbhi_bmi", "weight_kg": "icbhi_weight_kg", "height_cm": "icbhi_height_cm"}
PATIENT_FACTS = ("age", *COLUMNS, "sex", "diagnosis", "fold")
METADATA = "correct the metadata file at the source, then run `download` again"
EXTRACT = "run `extract` again; if it stays, the fault is in that stage"

_recording = partial(check, key="recording_id")
_patient = partial(check, key="patient_id")


def checks(ranges: Ranges, summary: Mapping[str, Any]) -> list[Check]:
    """Return them in the order in which they are told; `summary` is what `extract` says of its source."""
    return [
        *_identity(),
        *_values(ranges),
        *_references(),
        *_splits(promised_counts.allowed_on_both_sides(summary)),
        *promised_counts.recordings(summary),
        *_metadata(),
        *_oddities(summary),
    ]


def _identity() -> list[Check]:
    """Return what makes a recording known."""
    places, modes, devices = ("|".join(names) for names in (CHEST_LOCATIONS, MODES, DEVICES))
    pattern = rf"^[1-9][0-9]*_[0-9]+[a-z][0-9]+_(?:{places})_(?:{modes})_(?:{devices})$"
    return [
        *(
            _recording(
                f"{column}_required",
                "required",
                core.ExpectColumnValuesToNotBeNull,
                f"Every recording has a {column}.",
                EXTRACT,
                column=column,
            )
            for column in REQUIRED
        ),
        _recording(
            "recording_id_pattern",
            "names",
            core.ExpectColumnValuesToMatchRegex,
            "A recording has a name of ICBHI's form: patient, index, chest location, mode, device.",
            "rename the wav and its annotation at the source; filename_format.txt has the form",
            column="recording_id",
            regex=pattern,
        ),
        _recording(
            "recording_id_agrees",
            "names",
            custom.ExpectRecordingNameToAgree,
            "A recording's name and its patient, index, chest location, mode and device agree.",
            EXTRACT,
        ),
        _recording(
            "recording_id_unique",
            "uniqueness",
            core.ExpectColumnValuesToBeUnique,
            "Every recording is there once.",
            EXTRACT,
            column="recording_id",
        ),
    ]


def _values(ranges: Ranges) -> list[Check]:
    """Return what values there can be."""
    domains = [
        (_patient if column in PATIENT_FACTS else _recording)(
            f"{column}_domain",
            "domains",
            core.ExpectColumnValuesToBeInSet,
            f"The {column} is one of: {', '.join(map(str, values))}.",
            METADATA,
            column=column,
            value_set=values,
        )
        for column, values in DOMAINS.items()
    ]
    return domains + [
        (_patient if column in PATIENT_FACTS else _recording)(
            f"{column}_range",
            "ranges",
            core.ExpectColumnValuesToBeBetween,
            f"All {RANGES[column].format(f'{low:g}', f'{high:g}')}.",
            f"{METADATA}; where the value is right, widen `validate.ranges.{column}`",
            column=COLUMNS.get(column, column),
            min_value=low,
            max_value=high,
        )
        for column, (low, high) in asdict(ranges).items()
    ]


def _references() -> list[Check]:
    """Return what has to agree between columns, rows and tables."""
    return [
        _recording(
            "duration_agrees",
            "times",
            custom.ExpectDurationToFollowFrames,
            "A recording's duration is its frames by its rate.",
            EXTRACT,
        ),
        _recording(
            "cycles_found",
            "references",
            core.ExpectColumnPairValuesToBeEqual,
            "Of every recording there are as many cycles in cycles.parquet as its row says.",
            EXTRACT,
            column_A="cycles",
            column_B="cycles_found",
        ),
        _patient(
            "patient_consistent",
            "references",
            custom.ExpectPatientToBeTheSame,
            "A patient has the same age, sex, size, diagnosis and fold in all of their recordings.",
            METADATA,
        ),
    ]


def _splits(allowed: list[str]) -> list[Check]:
    """Return what keeps training and test apart."""
    but = f" but {', '.join(map(str, allowed))}, whom the official split has on both," if allowed else ""
    return [
        _patient(
            "patients_on_one_side",
            "splits",
            custom.ExpectOneSideOfSplit,
            f"Every patient{but} is on one side of the split.",
            "correct the split file at the source: scores on patients who were trained on are too high",
            column_list=["patient_id", "split"],
            allowed=allowed,
        ),
        _recording(
            "wav_on_one_side",
            "splits",
            custom.ExpectOneSideOfSplit,
            "No audio file is in train under one name and in test under another.",
            "remove one of them at the source: what is trained on must not be tested on",
            column_list=["recording_sha256", "split"],
        ),
    ]


def _metadata() -> list[Check]:
    """Return what should be known of every patient."""
    hint = f"nothing, where the source does not know it; else {METADATA}"
    what = {
        "age": "Every patient's age is known.",
        "sex": "Every patient's sex is known.",
        "diagnosis": "Every patient's diagnosis is known; without it there are no diagnosis labels.",
        "fold": "Every patient is in one of the five folds; without it they are in none of the splits 0 to 4.",
    }
    known = [
        _patient(f"{column}_known", "completeness", core.ExpectColumnValuesToNotBeNull, meaning, hint, column=column)
        for column, meaning in what.items()
    ]
    body_size = "Every patient's BMI is known, or weight and height."
    return [*known, _patient("body_size_known", "completeness", custom.ExpectBodySizeToBeKnown, body_size, hint)]


def _oddities(summary: Mapping[str, Any]) -> list[Check]:
    """Return what a reader of the scores should know."""
    return [
        _recording(
            "name_in_split_right",
            "oddities",
            core.ExpectColumnValuesToBeNull,
            "The split file calls every recording by its own name.",
            "nothing: the recording was found by the rest of its name, and the correction is recorded",
            column="icbhi_name_in_split",
        ),
        _recording(
            "nothing_missing",
            "oddities",
            custom.ExpectColumnToHoldNames,
            "Every recording that the split file names is here.",
            "get the complete database, or present scores as scores on a part of it",
            column="recording_id",
            names=summary["missing"],
        ),
        _recording(
            "has_cycles",
            "oddities",
            core.ExpectColumnValuesToBeBetween,
            "Every recording has an annotated cycle.",
            "look whether the annotation beside the wav is empty by mistake",
            column="cycles",
            min_value=1,
        ),
        _patient(
            "patients_disjoint",
            "oddities",
            custom.ExpectOneSideOfSplit,
            "No patient at all is on both sides of the split.",
            "nothing where published scores are compared; `split: official-disjoint` trains without these patients",
            column_list=["patient_id", "split"],
        ),
    ]
