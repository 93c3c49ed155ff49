"""Cycles of all subsets with their recordings, for what a model states about the data it was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.runtime.artifact_reading import read_table
from tasks.subsets.assignment import Assignment
from tasks.subsets.splits import Subset

LEARNED: tuple[Subset, Subset] = ("train", "val")
RECORDING = ("recording_id", "corpus", "patient_id", "device", "sample_rate", "duration_s", "age")
Row = dict[str, Any]


@dataclass(frozen=True)
class Cycles:
    """Cycles of the subsets of an assignment, sorted by `cycle_id`, and all recordings.

    Attributes:
        rows: Row of each cycle: `cycle_id`, `recording_id`, `patient_id`, `corpus`, `start_s`, `duration_s`.
        subsets: Subset of each cycle.
        labels: Class of each cycle ``(cycles,)``; -1 for one without a label of the shared label set.
        recordings: Row of each recording by its id.
    """

    rows: Sequence[Row]
    subsets: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int64]
    recordings: dict[str, Row]

    @property
    def ids(self) -> list[str]:
        """Ids of the cycles."""
        return [row["cycle_id"] for row in self.rows]

    def of(self, *subsets: Subset) -> npt.NDArray[np.bool_]:
        """Return for each cycle whether it is in one of some subsets."""
        return np.isin(self.subsets, subsets)

    def column(self, name: str, where: npt.NDArray[np.bool_]) -> list[Any]:
        """Return the values of a column for the cycles of a mask."""
        return [row[name] for row, inside in zip(self.rows, where, strict=True) if inside]


def read(cycles: Path, recordings: Path, assigned: Assignment) -> Cycles:
    """Return the cycles of an assignment.

    Args:
        cycles: Path of the table of cycles.
        recordings: Path of the table of recordings.
        assigned: Labels and subsets of the cycles.

    Raises:
        BreathlineError: A table is missing or damaged.
    """
    columns = ["cycle_id", "recording_id", "patient_id", "corpus", "start_s", "duration_s", assigned.labels]
    table = [row for row in read_table(cycles, columns).to_pylist() if row["cycle_id"] in assigned.subsets]
    table.sort(key=lambda row: str(row["cycle_id"]))
    return Cycles(
        rows=table,
        subsets=np.array([assigned.subsets[row["cycle_id"]] for row in table]),
        labels=np.array([-1 if row[assigned.labels] is None else row[assigned.labels] for row in table]),
        recordings={row["recording_id"]: row for row in read_table(recordings).to_pylist()},
    )
