"""Request for a corpus of a user's own recordings, and the draft that answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tasks.checks.settings import CheckSettings
from tasks.corpora.table.normalised import Segment as Row
from tasks.own_data.formats import Format

Role = Literal["training", "external"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Recordings of a user, and the choices of the user.

    Attributes:
        name: Name of the corpus.
        folder: Folder of the audio files.
        table: Table with a row a segment or a row a recording, or of metadata where there are annotation files.
        columns: Column of each field, and the unit of the times; an empty text for a field that is not read.
        classes: Class of labels, or `-` to leave them out.
        beside: Whether annotation files are beside the recordings.
        format: Format of the annotation files; None to recognise it.
        patient_from: Regular expression that finds the patient in a file name.
        window_s: Length of the windows into which recordings without times are cut; None for whole recordings.
        role: Role of the corpus.
        limits: Limits of `validate`.
    """

    name: str
    folder: Path
    table: Path | None
    columns: Mapping[str, str]
    classes: Mapping[str, str]
    beside: bool
    format: Format | None
    patient_from: str | None
    window_s: float | None
    role: Role
    limits: CheckSettings


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Decision about the recordings: its subject, what was decided, and whether it was guessed."""

    subject: str
    value: str
    guessed: bool


@dataclass
class Draft:
    """Result of judging a user's recordings.

    Attributes:
        rows: Rows of the normalised table; complete only without problems.
        decisions: Decisions, to be shown to the user.
        notes: Facts that the user should know.
        unknown_labels: Number of segments by label without a class.
        header: Columns of the table.
        missing: Fields that the table must have, and that no column was found for.
    """

    rows: list[Row] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unknown_labels: dict[str, int] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    missing: list[str] = field(default_factory=list)

    def decide(self, subject: str, value: str, *, guessed: bool = False) -> None:
        """Add a decision."""
        self.decisions.append(Decision(subject=subject, value=value, guessed=guessed))
