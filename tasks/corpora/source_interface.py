"""Interface of a corpus to its sources: what `download` and recipes ask of it."""

from __future__ import annotations

from abc import ABC
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from tasks.corpora.contents import Metadata, Row
from tasks.corpora.settings import DownloadSettings
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.errors import BreathlineError
from tasks.sources.collection import Collection, Member


class SourceInterface(ABC):
    """Sources of a corpus, with defaults for a corpus whose recordings and metadata need no preparation.

    Attributes:
        name: Name in params.yaml and in the column `corpus`.
        metadata_files: Official names of the metadata files, and whether each is required.
        max_metadata_bytes: Largest size of a metadata file.
        uploads: Complete copies of the corpus on Kaggle or the hub, such as ``kaggle:owner/name``.
        generated: Whether `publisher` generates the recordings, so that nothing new can appear at the source.
        mirrors: URLs of folders with the publisher's files.
    """

    name: ClassVar[str]
    metadata_files: ClassVar[Mapping[str, bool]] = {}
    max_metadata_bytes: ClassVar[int] = 4 << 20
    uploads: ClassVar[Sequence[str]] = ()
    generated: ClassVar[bool] = False
    mirrors: ClassVar[Sequence[str]] = ()

    def prepare(self, collection: Collection, settings: DownloadSettings) -> Collection:
        """Return the files of a source under the names of this corpus.

        Args:
            collection: The opened source.
            settings: Settings of the corpus.

        Raises:
            BreathlineError: The source does not have what the settings promise.
        """
        return collection

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
