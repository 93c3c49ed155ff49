"""The test cycles with what is known of their recordings and patients, and the groups that they fall into."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

GROUPS = ("device", "chest_location", "age_group", "sex")
UNKNOWN = "unknown"
ADULT, ELDERLY = 19, 65  # years; 19 as in the metadata prompts of BTS (Kim et al., INTERSPEECH 2024)
CHILD_LABEL, ADULT_LABEL, ELDERLY_LABEL = (
    f"child (< {ADULT})",
    f"adult ({ADULT}–{ELDERLY - 1})",
    f"elderly (≥ {ELDERLY})",
)


def read(cycles: Path, recordings: Path, *, ids: Sequence[str], labels: str) -> pl.DataFrame:
    """Return a row for each of the cycles in `ids`, sorted by `cycle_id`.

    The columns are `cycle_id`, `recording_id`, `patient_id`, `label` (class index), `duration_s` and `GROUPS`, in
    which what is not known is ``unknown``.

    Args:
        cycles: The table of cycles.
        recordings: The table of recordings.
        ids: The test cycles.
        labels: The column of `cycles` that holds the class.
    """
    age = pl.col("age")
    band = (
        pl.when(age < ADULT).then(pl.lit(CHILD_LABEL))
        .when(age < ELDERLY).then(pl.lit(ADULT_LABEL))
        .when(age >= ELDERLY).then(pl.lit(ELDERLY_LABEL))
    )  # fmt: skip
    known = pl.read_parquet(recordings).select(
        "recording_id", "device", "chest_location", "sex", band.alias("age_group")
    )
    wanted = pl.DataFrame({"cycle_id": sorted(ids)})
    keys = ["cycle_id", "recording_id", "patient_id", "duration_s", pl.col(labels).alias("label")]
    return (
        wanted.join(pl.read_parquet(cycles).select(keys), on="cycle_id", how="left")
        .join(known, on="recording_id", how="left")
        .with_columns(pl.col(GROUPS).fill_null(UNKNOWN))
        .sort("cycle_id")
    )
