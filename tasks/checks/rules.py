"""Rules about several columns or rows, as functions of pandas frames.

Great Expectations has no expectation for them. Each rule takes a frame of the columns that it needs, and returns for
every row whether the row follows the rule.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

ROUNDING_S = 1e-6


def recording_name_agrees(frame: pd.DataFrame) -> pd.Series:
    """Check that `recording_id` is made of the values of the other columns, joined by underscores."""
    return _joined(frame.drop(columns="recording_id"), "_") == frame["recording_id"]


def cycle_name_agrees(frame: pd.DataFrame) -> pd.Series:
    """Check that `cycle_id` is the recording's name and the cycle's index in three digits."""
    index = frame["cycle_index"].map(lambda value: "" if pd.isna(value) else f"{int(value):03}")
    return frame["recording_id"].astype("string").fillna("") + "_" + index == frame["cycle_id"]


def duration_follows_frames(frame: pd.DataFrame) -> pd.Series:
    """Check that a recording's `duration_s` is its number of frames divided by its rate."""
    return (frame["frames"] / frame["sample_rate"] - frame["duration_s"]).abs() <= ROUNDING_S


def duration_follows_times(frame: pd.DataFrame) -> pd.Series:
    """Check that a cycle's `duration_s` is its end minus its start."""
    return (frame["end_s"] - frame["start_s"] - frame["duration_s"]).abs() <= ROUNDING_S


def same_for_patient(frame: pd.DataFrame) -> pd.Series:
    """Check that all rows of a patient have the same values, missing ones included."""
    values = frame.groupby("patient_id", dropna=False).transform("nunique", dropna=False)
    return (values <= 1).all(axis=1)


def on_one_side(frame: pd.DataFrame, *, allowed: Sequence[str], shared: Sequence[str] = ()) -> pd.Series:
    """Check that all rows with one value of the first column (patient, file hash) are on one side of the split.

    Args:
        frame: Column of the groups, and `split`.
        allowed: Values of the first column that may be on both sides.
        shared: Sides that may have values of other sides as well.
    """
    group = frame.columns[0]
    counted = frame["split"].mask(frame["split"].isin(list(shared)))
    sides = counted.groupby(frame[group], dropna=False).transform("nunique")
    return (sides <= 1) | frame[group].isin(list(allowed)) | frame[group].isna()


def any_known(frame: pd.DataFrame, *, alternatives: Sequence[Sequence[str]]) -> pd.Series:
    """Check that the values of all columns of at least one alternative are known."""
    known = [frame[list(columns)].notna().all(axis=1) for columns in alternatives]
    return pd.concat(known, axis=1).any(axis=1)


def has_cycles(frame: pd.DataFrame, *, without: Mapping[str, Sequence[Any]]) -> pd.Series:
    """Check that a recording has a cycle.

    Args:
        frame: Number of cycles of each recording, and the columns of `without`.
        without: Values of columns of recordings that need no cycle.
    """
    found = frame["cycles"] >= 1
    for column, values in without.items():
        found |= frame[column].isin(list(values))
    return found


def labels_follow(frame: pd.DataFrame, *, classes: Mapping[str, Mapping[str, int]]) -> pd.Series:
    """Check that labels follow from the other columns.

    Args:
        frame: The label columns and the columns that they follow from.
        classes: Class index of each label column by the other columns' values, joined by blanks. A label must be
            null for all other values.
    """
    sources = _joined(frame.drop(columns=list(classes)), " ")
    follow = pd.Series(True, index=frame.index)
    for column, by_value in classes.items():
        expected = sources.map(by_value).astype(np.float64)
        follow &= (frame[column] == expected) | (frame[column].isna() & expected.isna())
    return follow


def inside_audio(frame: pd.DataFrame, *, tolerance_s: float) -> pd.Series:
    """Check that a cycle ends within its recording; a cycle of a missing recording passes."""
    return (frame["end_s"] <= frame["recording_duration_s"] + tolerance_s) | frame["recording_duration_s"].isna()


def in_order(frame: pd.DataFrame) -> pd.Series:
    """Check that a cycle starts no earlier than the cycle with the previous number."""
    ordered = frame.sort_values("cycle_index", kind="stable")
    before = ordered.groupby("recording_id")["start_s"].shift()
    return (~(ordered["start_s"] < before)).reindex(frame.index)


def apart(
    frame: pd.DataFrame, *, tolerance_s: float, overlapping: Mapping[str, Sequence[Any]] | None = None
) -> pd.Series:
    """Check that a cycle starts after the end of the previous cycle.

    Args:
        frame: Recording, index, start and end of each cycle, and the columns of `overlapping`.
        tolerance_s: Allowed overlap in seconds.
        overlapping: Values of columns whose rows may overlap.
    """
    ordered = frame.sort_values(["start_s", "cycle_index"], kind="stable")
    before = ordered.groupby("recording_id")["end_s"].shift()
    follow = (~(ordered["start_s"] < before - tolerance_s - ROUNDING_S)).reindex(frame.index)
    for column, values in (overlapping or {}).items():
        follow |= frame[column].isin(list(values))
    return follow


def numbered_without_gap(frame: pd.DataFrame) -> pd.Series:
    """Check that the cycles of a recording are numbered from 0 without a gap."""
    rank = frame.groupby("recording_id")["cycle_index"].rank(method="first") - 1
    return rank == frame["cycle_index"]


def group_counts(
    frame: pd.DataFrame, *, groups: Sequence[str], distinct: str | None, classes: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Return the number of rows, or of distinct values of one column, in each group.

    Rows with nulls in `groups` belong to no group.

    Args:
        frame: The table.
        groups: The columns whose values make the groups.
        distinct: The column whose distinct values are counted; rows if None.
        classes: The names of the classes of label columns. A group is named by its values joined by blanks, and a
            label by the name of its class ("train crackle").
    """
    known = frame.dropna(subset=list(groups))
    if distinct is not None:
        known = known.drop_duplicates([*groups, distinct])
    names = {column: dict(enumerate(classes.get(column, ()))) for column in groups}
    named = [[names[column].get(value, plain(value)) for value in known[column]] for column in groups]
    return dict(sorted(Counter(map(" ".join, zip(*named, strict=True))).items()))


def plain(value: Any) -> str:
    """Return a value as text; whole numbers, which pandas makes floats beside nulls, without a decimal point."""
    if pd.isna(value):
        return "unknown"
    return str(int(value)) if isinstance(value, int | float | np.number) and float(value).is_integer() else str(value)


def _joined(frame: pd.DataFrame, separator: str) -> pd.Series:
    """Return the values of each row as text, joined by a separator."""
    texts = [frame[column].map(plain) for column in frame]
    return pd.Series([separator.join(row) for row in zip(*texts, strict=True)], index=frame.index, dtype="object")
