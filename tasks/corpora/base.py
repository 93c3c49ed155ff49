"""Interface of a corpus: everything that is specific to one corpus.

A new corpus is one module with a subclass of `Corpus`, its name in `tasks.corpora.registry`, and one test file.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from tasks.corpora.contents import Cycle, Metadata, Row
from tasks.corpora.expectations import Expectations
from tasks.corpora.settings import DownloadSettings
from tasks.corpora.source_interface import SourceInterface
from tasks.runtime.corpus_facts import CorpusFacts, Identity, LabelSet
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    import pyarrow as pa


class Corpus(SourceInterface):
    """Corpus adapter. Class attributes hold the facts; only `table` has state, the label set of the user.

    Those of its sources are in `SourceInterface`.

    Attributes:
        annotation_suffix: Ending of an annotation's file name, in lower case: a suffix, or text after the recording's
            name, such as ``_label.txt``. None if there are no annotations: the recording's name tells its label.
        recording_suffixes: Suffixes of the audio files, in lower case.
        lines_are_cycles: Whether each line of an annotation, but for empty ones, is a cycle.
        label_sets: Label sets by name.
        splits: Description of each split by name; empty if they are not known beforehand.
        sides: Values of the column `split`; a split of the same name tests on those recordings.
        recording_columns: Arrow type of each own column of the table of recordings, by name, such as ``float64``.
        cycle_columns: Arrow type of each own column of the table of cycles, by name.
        recordings: Number of recordings of the complete published corpus; None if it has no fixed size.
        devices: Names of the devices, for splits by device; empty if they are not known beforehand.
        has_own_names: Whether the form of a recording's name identifies the corpus.
        fold_seed: Random seed of the folds that `extract` draws for the side `train`; None if the metadata give folds.
        sound_column: Column of the annotated sound, by which `extract` stratifies drawn folds; None if none are drawn.
    """

    annotation_suffix: ClassVar[str | None]
    recording_suffixes: ClassVar[Sequence[str]] = (".wav",)
    lines_are_cycles: ClassVar[bool] = False
    label_sets: ClassVar[Mapping[str, LabelSet]]
    splits: ClassVar[Mapping[str, str]] = {}
    sides: ClassVar[Sequence[str]] = ("train", "test")
    recording_columns: ClassVar[Mapping[str, str]] = {}
    cycle_columns: ClassVar[Mapping[str, str]] = {}
    recordings: ClassVar[int | None] = None
    devices: ClassVar[Sequence[str]] = ()
    has_own_names: ClassVar[bool] = True
    fold_seed: ClassVar[int | None] = None
    sound_column: ClassVar[str | None] = None

    def of(self, metadata: Path) -> Self:
        """Return the adapter for the recordings at hand, whose label sets may depend on them.

        Args:
            metadata: The folder `data/raw/metadata`.
        """
        return self

    @property
    def recordings_schema(self) -> pa.Schema:
        """The schema of the table of recordings."""
        from tasks.runtime import schemas  # with Arrow, which the reading of an annotation does not need

        return schemas.recordings(self.recording_columns)

    @property
    def shared_columns(self) -> list[str]:
        """Own columns of the cycles that are those of their recordings."""
        return [name for name in self.cycle_columns if name in self.recording_columns]

    @property
    def cycles_schema(self) -> pa.Schema:
        """The schema of the table of cycles."""
        from tasks.runtime import schemas

        return schemas.cycles([one.column for one in self.label_sets.values()], self.cycle_columns)

    @abstractmethod
    def check_name(self, recording_id: str, where: object) -> None:
        """Refuse a name that no recording of this corpus has.

        Args:
            recording_id: Name of a recording.
            where: File or table that has the name, for the error message.

        Raises:
            BreathlineError: The name does not have the corpus's form.
        """

    def is_name(self, recording_id: str) -> bool:
        """Return whether a recording of this corpus can have this name."""
        try:
            self.check_name(recording_id, recording_id)
        except BreathlineError:
            return False
        return True

    def patient_of(self, recording_id: str) -> str | None:
        """Return the patient that a name which `check_name` accepts tells; None if names tell none."""
        return None

    def recording_id(self, name: str) -> str:
        """Return the id of the recording whose audio file has a name that `check_name` accepts.

        Ids are names of files and arguments of commands. An adapter replaces names with blanks, commas or the like.
        """
        return name

    def annotation(self, recording: Path) -> Path:
        """Return the path of the annotation beside a recording, or of the recording if there are no annotations."""
        if self.annotation_suffix is None:
            return recording
        return recording.with_name(f"{recording.stem}{self.annotation_suffix}")

    def annotated(self, file: str) -> str | None:
        """Return the name of the recording that a file of this name annotates, or None if it is no annotation."""
        suffix = self.annotation_suffix
        if suffix is None or not file.lower().endswith(suffix):
            return None
        name = file[: -len(suffix)]
        return name if self.is_name(name) else None

    @abstractmethod
    def read_metadata(self, folder: Path, recording_ids: Sequence[str]) -> Metadata:
        """Return the metadata of recordings.

        Args:
            folder: The folder `data/raw/metadata`, with the files' official names.
            recording_ids: Names of the recordings at hand.

        Raises:
            BreathlineError: A file is missing or broken, or does not name a recording.
        """

    @abstractmethod
    def read_cycles(self, annotation: Path, duration_s: float) -> list[Cycle]:
        """Return the cycles of one recording, in the order of its annotation.

        Validation checks order, overlap and bounds, and names all faulty cycles at once.

        Args:
            annotation: Path of the annotation, or of the recording if there are no annotations.
            duration_s: Duration of the recording in seconds.

        Raises:
            BreathlineError: The annotation cannot be read; file and line are named.
        """

    @abstractmethod
    def label(self, label_set: str, cycle: Row) -> int | None:
        """Return the class of a cycle in a label set, or None if it has no label.

        Args:
            label_set: A key of `label_sets`.
            cycle: The cycle's own columns and its patient's `diagnosis`.
        """

    def read_recording(self, annotation: Path) -> Row:
        """Return the recording's own columns that its annotation gives.

        Raises:
            BreathlineError: As for `read_cycles`.
        """
        return {}

    @abstractmethod
    def identify(self, audio: Path, recording_ids: Sequence[str], settings: DownloadSettings) -> Identity:
        """Return the result of comparing recordings with the published corpus.

        Args:
            audio: The folder of recordings and annotations.
            recording_ids: Names of the recordings.
            settings: The source that they came from.
        """

    @abstractmethod
    def facts(self, identity: Identity) -> CorpusFacts:
        """Return the facts of the corpus that later stages read."""

    def expectations(self, identity: Identity) -> Expectations:
        """Return the expectations of the tables that hold beside those of every corpus."""
        return Expectations()

    def name_pattern(self, patient: str) -> str:
        """Return a regular expression that finds names of a patient's recordings in any text."""
        return rf"(?<![0-9A-Za-z]){re.escape(patient)}_"
