"""Rules over several columns or rows that Great Expectations has no expectation for, as functions of pandas frames.

Each takes the columns that it is about and returns for every row whether it keeps the rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tasks.corpora.icbhi.labels import CLASSES, DIAGNOSES, label

ROUNDING_S = 1e-6


def recording_name_agrees(frame: pd.DataFrame) -> pd.Series:
    """Tell whether `recording_id` is made of patient, index, chest location, mode and device."""
    parts = ("patient_id", "icbhi_recording_index", "location", "icbhi_mode", "device")
    return _joined(frame, parts) == frame["recording_id"]


def cycle_name_agrees(frame: pd.DataFrame) -> pd.Series:
    """Tell whether `cycle_id` is the recording's name and the cycle's index in three digits."""
    index = frame["cycle_index"].map(lambda value: "" if pd.isna(value) else f"{int(value):03}")
    return frame["recording_id"].astype("string").fillna("") + "_" + index == frame["cycle_id"]


def duration_follows_frames(frame: pd.DataFrame) -> pd.Series:
    """Tell whether a recording's `duration_s` is its frames by its rate."""
    return (frame["frames"] / frame["sample_rate"] - frame["duration_s"]).abs() <= ROUNDING_S


def duration_follows_times(frame: pd.DataFrame) -> pd.Series:
    """Tell whether a cycle's `duration_s` is its end less its start."""
    return (frame["end_s"] - frame["start_s"] - frame["duration_s"]).abs() <= ROUNDING_S


def same_for_patient(frame: pd.DataFrame) -> pd.Series:
    """Tell whether all rows of a patient have the same values, unknown ones included."""
    values = frame.groupby("patient_id", dropna=False).transform("nunique", dropna=False)
    return (values <= 1).all(axis=1)


def on_one_side(frame: pd.DataFrame, *, allowed: Sequence[str]) -> pd.Series:
    """Tell whether all rows of one first column (a patient, a file's hash) are on one side of the split."""
    group = frame.columns[frame.columns != "split"][0]
    sides = frame.groupby(group, dropna=False)["split"].transform("nunique")
    return (sides <= 1) | frame[group].isin(list(allowed)) | frame[group].isna()


def body_size_known(frame: pd.DataFrame) -> pd.Series:
    """Tell whether there is a BMI, as of adults, or weight and height, as of children."""
    return frame["icbhi_bmi"].notna() | (frame["icbhi_weight_kg"].notna() & frame["icbhi_height_cm"].notna())


def lung_sounds_follow(frame: pd.DataFrame) -> pd.Series:
    """Tell whether both sets of lung-sound labels are those of the flags `crackles` and `wheezes`."""
    flags = list(zip(frame["icbhi_crackles"], frame["icbhi_wheezes"], strict=True))
    keeps = pd.Series(True, index=frame.index)
    for name in ("lungsound_4", "lungsound_2"):
        keeps &= _follow(frame[name], [label(name, crackles=c, wheezes=w, diagnosis=None) for c, w in flags])
    return keeps


def diagnoses_follow(frame: pd.DataFrame) -> pd.Series:
    """Tell whether both sets of diagnosis labels are those of the patient's diagnosis, or unknown with it."""
    known = [diagnosis if diagnosis in DIAGNOSES else None for diagnosis in frame["diagnosis"]]
    keeps = pd.Series(True, index=frame.index)
    for name in ("diagnosis_3", "diagnosis_2"):
        keeps &= _follow(frame[name], [label(name, crackles=0, wheezes=0, diagnosis=one) for one in known])
    return keeps


def inside_audio(frame: pd.DataFrame, *, tolerance_s: float) -> pd.Series:
    """Tell whether a cycle ends within its recording; of a recording that is not there nothing is known."""
    return (frame["end_s"] <= frame["recording_duration_s"] + tolerance_s) | frame["recording_duration_s"].isna()


def in_order(frame: pd.DataFrame) -> pd.Series:
    """Tell whether a cycle starts no earlier than the one that is numbered before it."""
    ordered = frame.sort_values("cycle_index", kind="stable")
    before = ordered.groupby("recording_id")["start_s"].shift()
    return (~(ordered["start_s"] < before)).reindex(frame.index)


def apart(frame: pd.DataFrame, *, tolerance_s: float) -> pd.Series:
    """Tell whether a cycle starts after the end of the one that starts before it."""
    ordered = frame.sort_values(["start_s", "cycle_index"], kind="stable")
    before = ordered.groupby("recording_id")["end_s"].shift()
    return (~(ordered["start_s"] < before - tolerance_s - ROUNDING_S)).reindex(frame.index)


def counted_through(frame: pd.DataFrame) -> pd.Series:
    """Tell whether the cycles of a recording are numbered from 0 without a gap."""
    rank = frame.groupby("recording_id")["cycle_index"].rank(method="first") - 1
    return rank == frame["cycle_index"]


def group_counts(frame: pd.DataFrame, columns: Sequence[str], distinct: str | None) -> dict[str, int]:
    """Return how many rows, or distinct values of one column, there are by the values of `columns`.

    Groups are named by their values, labels by their classes ("train crackle"); rows with nulls belong to none.
    """
    known = frame.dropna(subset=list(columns))
    if distinct is not None:
        known = known.drop_duplicates([*columns, distinct])
    named = [[_class(column, value) for value in known[column]] for column in columns]
    return dict(sorted(Counter(map(" ".join, zip(*named, strict=True))).items()))


def _class(column: str, value: Any) -> str:
    """Return a label's class, or any other value as text."""
    classes = dict(enumerate(CLASSES.get(column, ())))
    return classes.get(value, plain(value))


def plain(value: Any) -> str:
    """Return a value as people read it; whole numbers, which pandas makes floats beside nulls, without a point."""
    if pd.isna(value):
        return "unknown"
    return str(int(value)) if isinstance(value, int | float | np.number) and float(value).is_integer() else str(value)


def _joined(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return the values of columns joined by underscores."""
    return frame[list(columns)].apply(lambda row: "_".join(map(plain, row)), axis=1)


def _follow(given: pd.Series, wanted: Sequence[int | None]) -> pd.Series:
    """Tell of each row whether a label is the wanted one, or unknown where that is."""
    expected = pd.Series(np.array(wanted, dtype=np.float64), index=given.index)
    return (given == expected) | (given.isna() & expected.isna())
