"""Expectations of recordings in ICBHI's format, and of the complete ICBHI 2017 database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tasks.corpora.expectations import Count, Expectations, KnownRule, LabelRule, NameRule, UsualValues
from tasks.corpora.icbhi import expected, facts
from tasks.corpora.icbhi.labels import CLASSES, DIAGNOSES, label
from tasks.corpora.icbhi.names import CHEST_LOCATIONS, DEVICES, MODES
from tasks.runtime.corpus_facts import Identity

SIZES = ("icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm")
PATTERN = (
    rf"^[1-9][0-9]*_[0-9]+[a-z][0-9]+_(?:{'|'.join(CHEST_LOCATIONS)})_(?:{'|'.join(MODES)})_(?:{'|'.join(DEVICES)})$"
)
SOUNDS = {f"{c} {w}": {"crackles": c, "wheezes": w, "diagnosis": None} for c in (0, 1) for w in (0, 1)}
ILLNESSES = {name: {"crackles": 0, "wheezes": 0, "diagnosis": name} for name in DIAGNOSES}


def expectations(identity: Identity) -> Expectations:
    """Return the expectations of recordings in ICBHI's format; with promised numbers for the complete database."""
    if identity.name != facts.COMPLETE:
        return FORMAT
    by_class = {
        f"{side} {name}": count
        for side, counts in expected.SPLIT_CYCLES.items()
        for name, count in zip(CLASSES["lungsound_4"], counts, strict=True)
    }
    return replace(
        FORMAT,
        totals={"recordings": expected.RECORDINGS, "patients": expected.PATIENTS, "cycles": expected.CYCLES},
        counts=(
            Count(
                name="recordings_per_side",
                table="recordings",
                groups=("split",),
                counts=expected.SPLIT_RECORDINGS,
                noun="recordings",
            ),
            Count(
                name="patients_per_diagnosis",
                table="recordings",
                groups=("diagnosis",),
                counts=expected.DIAGNOSES,
                noun="patients",
                distinct="patient_id",
            ),
            Count(
                name="cycles_per_lungsound_4",
                table="cycles",
                groups=("split", "lungsound_4"),
                counts=by_class,
                noun="cycles",
            ),
        ),
        counts_hint="get the complete database again; or, for a part of it, set `download.expect: partial`",
    )


def _classes(names: tuple[str, ...], values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Return the class index in each label set, by the values that it follows from."""
    return {
        name: {key: index for key, given in values.items() if (index := label(name, **given)) is not None}
        for name in names
    }


FORMAT = Expectations(
    name=NameRule(
        pattern=PATTERN,
        parts=("patient_id", "icbhi_recording_index", "location", "icbhi_mode", "device"),
        meaning="A recording has a name of ICBHI's form: patient, index, chest location, mode, device.",
        hint="rename the wav and its annotation at the source; filename_format.txt has the form",
    ),
    required={
        "recordings": ("icbhi_recording_index", "location", "icbhi_mode", "device", "annotation_sha256"),
        "cycles": ("icbhi_crackles", "icbhi_wheezes", "lungsound_4", "lungsound_2"),
    },
    domains={
        "recordings": {
            "location": CHEST_LOCATIONS,
            "icbhi_mode": MODES,
            "device": DEVICES,
            "sex": ("F", "M"),
            "diagnosis": tuple(DIAGNOSES),
            "split": ("train", "test"),
            "fold": (0, 1, 2, 3, 4),
        },
        "cycles": {"icbhi_crackles": (0, 1), "icbhi_wheezes": (0, 1)},
    },
    patient_columns=("age", "sex", *SIZES, "diagnosis", "fold"),
    ranges={column.removeprefix("icbhi_"): column for column in SIZES},
    labels=(
        LabelRule(
            name="lungsound_agrees",
            meaning="The lung-sound labels follow from crackles and wheezes.",
            sources=("icbhi_crackles", "icbhi_wheezes"),
            classes=_classes(("lungsound_4", "lungsound_2"), SOUNDS),
        ),
        LabelRule(
            name="diagnosis_agrees",
            meaning="The diagnosis labels follow from the patient's diagnosis.",
            sources=("diagnosis",),
            classes=_classes(("diagnosis_3", "diagnosis_2"), ILLNESSES),
        ),
    ),
    known=(
        KnownRule(name="age_known", meaning="Every patient's age is known.", alternatives=(("age",),)),
        KnownRule(name="sex_known", meaning="Every patient's sex is known.", alternatives=(("sex",),)),
        KnownRule(
            name="diagnosis_known",
            meaning="Every patient's diagnosis is known; without it there are no diagnosis labels.",
            alternatives=(("diagnosis",),),
        ),
        KnownRule(
            name="fold_known",
            meaning="Every patient is in one of the five folds; without it they are in none of the splits 0 to 4.",
            alternatives=(("fold",),),
        ),
        KnownRule(
            name="body_size_known",
            meaning="Every patient's BMI is known, or weight and height.",
            alternatives=(("icbhi_bmi",), ("icbhi_weight_kg", "icbhi_height_cm")),
        ),
    ),
    usual=(
        UsualValues(
            name="name_in_split_right",
            column="icbhi_name_in_split",
            values=None,
            meaning="The split file calls every recording by its own name.",
            hint="nothing: the recording was found by the rest of its name, and the correction is recorded",
        ),
        UsualValues(
            name="mono",
            column="channels",
            values=(1,),
            meaning="Every recording has one channel, as ICBHI's have.",
            hint="nothing: the mean of the channels is used",
        ),
        UsualValues(
            name="published_depth",
            column="bit_depth",
            values=(16, 24),
            meaning="Every recording has 16 or 24 bits, as ICBHI's have.",
            hint="get the published files: 32 bits come from a later conversion",
        ),
    ),
)
