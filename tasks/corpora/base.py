"""Interface of a corpus: everything that is specific to one corpus.

A new corpus is one module with a subclass of `Corpus`, its name in `tasks.corpora.registry`, and one test file.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from tasks.corpora.contents import Cycle, Metadata, Row
from tasks.corpora.expectations import Expectations
from tasks.corpora.settings import DownloadSettings
from tasks.runtime.corpus_facts import CorpusFacts, Identity, LabelSet
from tasks.runtime.errors import BreathlineError
from tasks.sources.collection import Collection, Member

if TYPE_CHECKING:
    import pyarrow as pa


class Corpus(ABC):
    """Corpus adapter. Class attributes hold the facts; only `table` has state, the label set of the user.

    Attributes:
        name: Name in params.yaml and in the column `corpus`.
        annotation_suffix: Ending of an annotation's file name, in lower case: a suffix, or text after the recording's
            name, such as ``_label.txt``. None if there are no annotations: the recording's name tells its label.
        recording_suffixes: Suffixes of the audio files, in lower case.
        metadata_files: Official names of the metadata files, and whether each is required.
        max_metadata_bytes: Largest size of a metadata file.
        lines_are_cycles: Whether each line of an annotation, but for empty ones, is a cycle.
        label_sets: Label sets by name.
        splits: Description of each split by name; empty if they are not known beforehand.
        sides: Values of the column `split`; a split of the same name tests on those recordings.
        recording_columns: Arrow type of each own column of the table of recordings, by name, such as ``float64``.
        cycle_columns: Arrow type of each own column of the table of cycles, by name.
        recordings: Number of recordings of the complete published corpus; None if it has no fixed size.
        devices: Names of the devices, for splits by device; empty if they are not known beforehand.
        uploads: Complete copies of the corpus on Kaggle or the hub, such as ``kaggle:owner/name``.
        has_own_names: Whether the form of a recording's name identifies the corpus.
        generated: Whether `publisher` generates the recordings, so that nothing new can appear at the source.
        fold_seed: Random seed of the folds that `extract` draws for the side `train`; None if the metadata give folds.
        sound_column: Column of the annotated sound, by which `extract` stratifies drawn folds; None if none are drawn.
        mirrors: URLs of folders with the publisher's files.
    """

    name: ClassVar[str]
    annotation_suffix: ClassVar[str | None]
    recording_suffixes: ClassVar[Sequence[str]] = (".wav",)
    metadata_files: ClassVar[Mapping[str, bool]] = {}
    max_metadata_bytes: ClassVar[int] = 4 << 20
    lines_are_cycles: ClassVar[bool] = False
    label_sets: ClassVar[Mapping[str, LabelSet]]
    splits: ClassVar[Mapping[str, str]] = {}
    sides: ClassVar[Sequence[str]] = ("train", "test")
    recording_columns: ClassVar[Mapping[str, str]] = {}
    cycle_columns: ClassVar[Mapping[str, str]] = {}
    recordings: ClassVar[int | None] = None
    devices: ClassVar[Sequence[str]] = ()
    uploads: ClassVar[Sequence[str]] = ()
    has_own_names: ClassVar[bool] = True
    generated: ClassVar[bool] = False
    fold_seed: ClassVar[int | None] = None
    sound_column: ClassVar[str | None] = None
    mirrors: ClassVar[Sequence[str]] = ()

    def of(self, metadata: Path) -> Self:
        """Return the adapter for the recordings at hand, whose label sets may depend on them.

        Args:
            metadata: The folder `data/raw/metadata`.
        """
        return self

    def prepare(self, collection: Collection, settings: DownloadSettings) -> Collection:
        """Return the files of a source under the names of this corpus.

        Args:
            collection: The opened source.
            settings: Settings of the corpus.

        Raises:
            BreathlineError: The source does not have what the settings promise.
        """
        return collection

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

    def derived_metadata(
        self, annotations: Mapping[str, Sequence[str]], settings: DownloadSettings
    ) -> Mapping[str, bytes]:
        """Return the content of metadata files that follow from paths of the source and settings, by official name.

        `download` copies all recordings into one folder; what the paths of the source tell is kept in these files.

        Args:
            annotations: Paths of each recording's annotation and of its equal copies in the source, with ``/``. Without
                annotations, those of the recording.
            settings: Settings of the corpus.

        Raises:
            BreathlineError: A path contradicts the corpus's layout.
        """
        return {}

    def variant(self, settings: Row) -> str:
        """Return the name of the adapter for the corpus's own settings: this one, or another one of the registry.

        Args:
            settings: Settings of the corpus, as params.yaml gives them.
        """
        return self.name

    def sides_of(self, files: AbstractCollection[str]) -> set[str]:
        """Return the sides that the paths of a source tell; empty if paths tell none."""
        return set()

    def usual_split(self, files: AbstractCollection[str]) -> str:
        """Return the split that a recipe uses for a source whose files have these paths."""
        return "official"

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

    def publisher(self, settings: DownloadSettings, work: Path, downloads: Path) -> AbstractContextManager[Collection]:
        """Open the publisher's own source: its site, or a generator.

        Args:
            settings: Mirrors, checksums and sizes.
            work: A folder that is removed afterwards.
            downloads: A folder that is kept after an interruption.

        Raises:
            BreathlineError: The corpus has no such source.
        """
        raise BreathlineError(
            f"The corpus `{self.name}` cannot be fetched from its publisher.",
            where="params.yaml: source",
            hint="fetch it by hand, then set source to archive or directory, and path",
        )

    def shipped_metadata(
        self, missing: AbstractCollection[str], audio: Mapping[str, Member], annotations: Mapping[str, Member]
    ) -> Mapping[str, bytes]:
        """Return the content of metadata files that the project has for a source without them, by official name.

        Args:
            missing: Official names of the files that the source lacks.
            audio: Audio file of each recording of the source.
            annotations: Annotation of each recording.

        Raises:
            BreathlineError: The project's table does not hold for these recordings, and they need one.
        """
        return {}

    def missing_metadata_hint(self, name: str) -> str:
        """Return the next step where a required metadata file is missing, by its official name."""
        return "put it beside the source, or into a folder and name that in `metadata` of the corpus in params.yaml"

    def check_published(self, metadata: Metadata, identity: Identity, origins: Mapping[str, str]) -> None:
        """Refuse metadata that contradict what is published about verified recordings.

        Args:
            metadata: Metadata of the recordings.
            identity: Result of comparing the recordings with the published corpus.
            origins: Origin of each metadata file by official name, for error messages.

        Raises:
            BreathlineError: They contradict; the recordings are named.
        """
        return

    def publisher_files(self) -> Sequence[str]:
        """Return the names of the files on the publisher's site."""
        return ()

    @property
    def fetchable(self) -> bool:
        """True if the corpus can be fetched from its publisher, or generated."""
        return self.generated or bool(self.publisher_files())

    def metadata_name(self, name: str) -> str | None:
        """Return the official name of a metadata file by the name of a copy, or None if it is no such file."""
        return name if name in self.metadata_files else None

    def name_pattern(self, patient: str) -> str:
        """Return a regular expression that finds names of a patient's recordings in any text."""
        return rf"(?<![0-9A-Za-z]){re.escape(patient)}_"

    def patients_named(self, content: bytes) -> set[str]:
        """Return the patients that a metadata file names, other than by names of recordings.

        The file can be that of another corpus.
        """
        return set()

    def remove_patients(self, folder: Path, patients: AbstractCollection[str]) -> None:
        """Remove every line about some patients from the metadata files in a folder.

        Args:
            folder: Folder of the metadata files.
            patients: Ids of the patients.

        Raises:
            BreathlineError: The adapter cannot remove patients from its metadata files.
        """
        if any(folder.iterdir()):
            raise BreathlineError(
                f"Patients cannot be removed from the metadata files of the corpus `{self.name}`.",
                where="params.yaml: exclude_patients",
                hint="remove their recordings and metadata at the source",
            )
