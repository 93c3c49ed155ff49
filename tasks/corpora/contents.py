"""Annotated cycles and metadata, as a corpus adapter returns them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """Annotated cycle: start and end in seconds, and its values in the corpus's own columns."""

    start_s: float
    end_s: float
    own: Row = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Correction:
    """Name in a split file that differs from the name of the recording that it means."""

    name_in_split: str
    recording_id: str


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """Metadata of the recordings at hand, by column name.

    Attributes:
        recordings: Row of each recording by `recording_id`: `patient_id`, and `location`, `device`, `split` and own
            columns where they are known.
        patients: Row of each patient by `patient_id`: `age`, `sex`, `diagnosis`, `fold` and own columns where known.
        missing: Patient of each recording that the metadata list and that has no audio, by sorted name.
        corrections: Names of the split file that differ from those of the recordings.
    """

    recordings: Mapping[str, Row]
    patients: Mapping[str, Row] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    corrections: Sequence[Correction] = ()
