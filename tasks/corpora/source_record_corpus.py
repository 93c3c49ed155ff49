"""Base of the adapters whose only metadata file is a source record."""

from abc import abstractmethod
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from tasks.corpora import source_record
from tasks.corpora.base import Corpus
from tasks.runtime.errors import BreathlineError


class SourceRecordCorpus(Corpus):
    """Corpus whose only metadata file is a source record (`tasks.corpora.source_record`).

    Attributes:
        source_file: Name of the source record.
    """

    source_file: ClassVar[str]

    @abstractmethod
    def patient_of(self, recording_id: str) -> str:
        """Return the id of a recording's patient."""

    def patients_named(self, content: bytes) -> set[str]:
        """Return the patients whose recordings a source record names; that of another corpus names none."""
        found = set()
        for name in source_record.named(content):
            with suppress(BreathlineError):
                found.add(self.patient_of(name))
        return found

    def remove_patients(self, folder: Path, patients: Collection[str]) -> None:
        """Remove the recordings of some patients from the metadata file."""
        path = folder / self.source_file
        recorded = source_record.named(path.read_bytes())
        source_record.keep(path, [name for name in recorded if self.patient_of(name) not in patients])
