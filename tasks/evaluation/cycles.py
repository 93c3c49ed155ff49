"""Table of the test cycles, with the columns by which results are grouped."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from tasks.runtime.artifact_reading import read_table

AGE_GROUP = "age_group"
UNKNOWN = "unknown"
ADULT, ELDERLY = 19, 65  # years; 19 as in the metadata prompts of BTS (Kim et al., INTERSPEECH 2024)
CHILD_LABEL, ADULT_LABEL, ELDERLY_LABEL = (
    f"child (< {ADULT})",
    f"adult ({ADULT}–{ELDERLY - 1})",
    f"elderly (≥ {ELDERLY})",
)


def read(cycles: Path, recordings: Path, *, ids: Sequence[str], labels: str, groups: Sequence[str]) -> pl.DataFrame:
    """Return a row for each test cycle, sorted by `cycle_id`.

    The columns are `cycle_id`, `corpus`, `recording_id`, `patient_id`, `label` (class index), `duration_s` and
    the group columns. Unknown values of group columns are ``unknown``.

    Args:
        cycles: The path of the table of cycles.
        recordings: The path of the table of recordings.
        ids: The ids of the test cycles.
        labels: The column of `cycles` that holds the class.
        groups: Columns of `recordings` by which results are grouped; `age_group` is derived from `age`.
    """
    age = pl.col("age")
    band = (
        pl.when(age < ADULT).then(pl.lit(CHILD_LABEL))
        .when(age < ELDERLY).then(pl.lit(ADULT_LABEL))
        .when(age >= ELDERLY).then(pl.lit(ELDERLY_LABEL))
    )  # fmt: skip
    own = [name for name in groups if name != "corpus"]
    columns = ["recording_id", "age", *(name for name in own if name not in ("age", AGE_GROUP))]
    known = pl.DataFrame(read_table(recordings, columns)).with_columns(band.alias(AGE_GROUP))
    keys = ["cycle_id", "corpus", "recording_id", "patient_id", "duration_s"]
    table = pl.DataFrame(read_table(cycles, [*keys, labels]))
    return (
        pl.DataFrame({"cycle_id": sorted(ids)})
        .join(table.select(*keys, pl.col(labels).alias("label")), on="cycle_id", how="left")
        .join(known.select("recording_id", *own), on="recording_id", how="left")
        .with_columns(pl.col(own).cast(pl.String).fill_null(UNKNOWN))
        .sort("cycle_id")
    )
