"""Random sample of the cycles of each subset, and its table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl

from tasks.runtime.artifact_reading import read_table
from tasks.subsets.assignment import Assignment
from tasks.subsets.splits import Subset

Sample = Mapping[Subset, Sequence[str]]  # sorted ids of the cycles of each subset


def draw(assigned: Assignment, *, cycles: int, seed: int) -> Sample:
    """Return the sampled cycles of each subset.

    Args:
        assigned: Labels and subsets of the cycles.
        cycles: Largest number of cycles of a subset; a smaller subset is taken as a whole.
        seed: Random seed of the sample.
    """
    found: dict[Subset, list[str]] = {}
    for position, subset in enumerate(get_args(Subset)):
        ids = assigned.cycles(subset)
        kept = np.random.default_rng([seed, position]).permutation(len(ids))[:cycles]
        found[subset] = [ids[index] for index in sorted(kept)]
    return found


def table(cycles: Path, recordings: Path, sample: Sample, *, labels: str, classes: Sequence[str]) -> pl.DataFrame:
    """Return a row for each sampled cycle, sorted by `cycle_id`.

    The columns are `subset`, `cycle_id`, `corpus`, `recording_id`, `patient_id`, `device`, `location`, `label` (class
    index) and `class_name`. Unknown values are null. With a head for each corpus, a cycle may lack a shared label.

    Args:
        cycles: Path of the table of cycles.
        recordings: Path of the table of recordings.
        sample: Sampled cycles of each subset.
        labels: Column of `cycles` that holds the class index.
        classes: Names of the classes.
    """
    rows = [(cycle, subset) for subset, ids in sample.items() for cycle in ids]
    keys = ["cycle_id", "corpus", "recording_id", "patient_id", "device"]
    known = pl.DataFrame(read_table(cycles, [*keys, labels]))
    places = pl.DataFrame(read_table(recordings, ["recording_id", "location"]))
    label = pl.col(labels).cast(pl.Int64)
    names = pl.DataFrame({"label": range(len(classes)), "class_name": list(classes)})
    return (
        pl.DataFrame(rows, schema={"cycle_id": pl.String, "subset": pl.String}, orient="row")
        .join(known.select(*keys, label.alias("label")), on="cycle_id", how="left")
        .join(places, on="recording_id", how="left")
        .join(names, on="label", how="left")
        .select("subset", *keys, "location", "label", "class_name")
        .sort("cycle_id")
    )
