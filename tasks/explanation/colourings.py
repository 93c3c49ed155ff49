"""Colourings of embeddings: the values of class, device, corpus, location and patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

COLUMNS = {
    "class": "class_name",
    "device": "device",
    "corpus": "corpus",
    "location": "location",
    "patient": "patient_id",
}
UNKNOWN = -1
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Colouring:
    """Values of a column for some cycles, and the unit that each cycle belongs to.

    Cycles of one unit are never compared with each other. Otherwise the resemblance of the cycles of a patient would
    count as that of a device. A unit is a patient; for the colouring by patient it is a recording.

    Attributes:
        name: Name of the colouring.
        values: Index of the value of each cycle, `UNKNOWN` without one.
        names: Values in the order of their index.
        units: Index of the unit of each cycle.
    """

    name: str
    values: Codes
    names: tuple[str, ...]
    units: Codes

    @property
    def comparable(self) -> npt.NDArray[np.bool_]:
        """Return the mask of the cycles whose value is known and occurs in two units at least."""
        units_of = [len(np.unique(self.units[self.values == value])) for value in range(len(self.names))]
        several = np.array([number > 1 for number in units_of] + [False])  # the last entry is that of `UNKNOWN`
        return several[self.values]

    @property
    def reason_against(self) -> str | None:
        """Return why nothing can be measured, or None if two values can be compared."""
        if not self.names:
            return "no value is known"
        if len(self.names) == 1:
            return f"one value: {self.names[0]}"
        if len(np.unique(self.values[self.comparable])) < 2:
            unit = "recordings" if self.name == "patient" else "patients"
            return f"fewer than two values occur in several {unit}"
        return None


def colourings(cycles: pl.DataFrame) -> list[Colouring]:
    """Return the colourings of cycles.

    Args:
        cycles: Table of the cycles (`tasks.explanation.sample.table`).
    """
    cycles = with_distinct_devices(cycles)
    patients, recordings = (_codes(cycles[column].to_list())[0] for column in ("patient_id", "recording_id"))
    return [
        Colouring(name, *_codes(cycles[column].to_list()), units=recordings if name == "patient" else patients)
        for name, column in COLUMNS.items()
    ]


def with_distinct_devices(cycles: pl.DataFrame) -> pl.DataFrame:
    """Return cycles of several corpora with the corpus in the name of the device: equal names are two devices."""
    if cycles["corpus"].n_unique() < 2:
        return cycles
    return cycles.with_columns(device=pl.col("corpus") + "/" + pl.col("device"))


def _codes(values: Sequence[str | None]) -> tuple[Codes, tuple[str, ...]]:
    """Return the index of each value among the sorted known ones, and these."""
    names = tuple(sorted({value for value in values if value is not None}))
    index = {name: place for place, name in enumerate(names)}
    return np.array([UNKNOWN if value is None else index[value] for value in values], dtype=np.int64), names
