"""Adapter of ICBHI 2017, and of other corpora in its format."""

import re
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from tasks.corpora.base import Corpus
from tasks.corpora.contents import Cycle, Metadata, Row
from tasks.corpora.expectations import Expectations
from tasks.corpora.icbhi import (
    expected,
    facts,
    known_recordings,
    labels,
    metadata,
    metadata_lines,
    names,
    official_site,
    shipped_metadata,
)
from tasks.corpora.icbhi.annotations import read as read_annotation
from tasks.corpora.icbhi.metadata import DEMOGRAPHICS_FILE, DIAGNOSIS_FILE, FOLDS_FILE, SPLIT_FILE
from tasks.corpora.settings import DownloadSettings
from tasks.runtime.corpus_facts import CorpusFacts, Identity
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import listed
from tasks.sources.collection import Collection, Member

_FILES = {
    SPLIT_FILE: True,
    DIAGNOSIS_FILE: True,
    DEMOGRAPHICS_FILE: True,
    FOLDS_FILE: False,
    "filename_differences.txt": False,
    "filename_format.txt": False,
}
# Other sites have the same files under these names.
_ALIASES = {"patient_diagnosis": DIAGNOSIS_FILE, "demographic_info": DEMOGRAPHICS_FILE}
_OFFICIAL = {Path(name).stem.casefold(): name for name in _FILES} | _ALIASES
_COPY = re.compile(r"\s*\(\d+\)$|\s+- copy$", re.IGNORECASE)  # mark of a second copy, by browsers and file managers


class Icbhi(Corpus):
    """ICBHI 2017, and other corpora in its format."""

    name = facts.NAME
    recordings: ClassVar[int | None] = expected.RECORDINGS
    annotation_suffix = ".txt"
    lines_are_cycles = True
    metadata_files = _FILES
    label_sets = facts.LABEL_SETS
    splits: ClassVar[Mapping[str, str]] = facts.TEXTS["format"]["splits"]
    devices = names.DEVICES
    mirrors = official_site.SITE
    uploads = ("kaggle:vbookshelf/respiratory-sound-database",)
    recording_columns = facts.RECORDING_COLUMNS
    cycle_columns = facts.CYCLE_COLUMNS

    def check_name(self, recording_id: str, where: object) -> None:
        """Refuse a name that is not of ICBHI's form."""
        names.parse(recording_id, where=where)

    def metadata_name(self, name: str) -> str | None:
        """Return the official name of a metadata file by the name of a copy, or None if it is no such file."""
        path = PurePosixPath(name)
        if path.suffix.lower() not in (".txt", ".csv"):
            return None
        return _OFFICIAL.get(_COPY.sub("", path.stem).casefold())

    def read_metadata(self, folder: Path, recording_ids: Sequence[str]) -> Metadata:
        """Return split, diagnoses, demographics and folds, and the parts of the recordings' names."""
        split_file = folder / SPLIT_FILE
        split = metadata.read_split(split_file)
        match = metadata.match(split, recording_ids)
        if match.unlisted:
            raise BreathlineError(
                f"The split file does not name {len(match.unlisted)} recordings: {listed(match.unlisted)}.",
                where=split_file,
                hint="use the split file that belongs to the recordings, or remove their audio",
            )
        recordings: dict[str, dict[str, Any]] = {}
        for name, recording_id in match.recording_ids.items():
            row = recordings.setdefault(recording_id, {**_name_columns(recording_id), "split": split[name]})
            if row["split"] != split[name]:
                raise BreathlineError(
                    f"{recording_id} is in train under one name and in test under another, {name}.",
                    where=split_file,
                    hint="remove the wrong line",
                )
            if name != recording_id:
                row["icbhi_name_in_split"] = name
        diagnoses = metadata.read_diagnosis(folder / DIAGNOSIS_FILE)
        demographics = metadata.read_demographics(folder / DEMOGRAPHICS_FILE)
        # The official site does not have the fold list. Without it, the splits 0 to 4 have no cycles.
        folds = metadata.read_folds(folder / FOLDS_FILE) if (folder / FOLDS_FILE).exists() else {}
        return Metadata(
            recordings=recordings,
            patients={
                patient: {
                    "diagnosis": diagnoses.get(patient),
                    "fold": folds.get(patient),
                    **demographics.get(patient, {}),
                }
                for patient in {*diagnoses, *demographics, *folds}
            },
            missing={name: names.parse(name).patient_id for name in match.missing},
            corrections=match.corrections,
        )

    def patient_of(self, recording_id: str) -> str:
        """Return the patient, whose number begins the name."""
        return names.parse(recording_id).patient_id

    def read_cycles(self, annotation: Path, duration_s: float) -> list[Cycle]:
        """Return the respiratory cycles of an annotation."""
        return read_annotation(annotation)

    def label(self, label_set: str, cycle: Row) -> int | None:
        """Return the class of a cycle in a label set."""
        return labels.label(
            label_set, crackles=cycle["icbhi_crackles"], wheezes=cycle["icbhi_wheezes"], diagnosis=cycle["diagnosis"]
        )

    def identify(self, audio: Path, recording_ids: Sequence[str], settings: DownloadSettings) -> Identity:
        """Return the result of comparing recordings with the known 920."""
        return known_recordings.compare(audio, recording_ids)

    def facts(self, identity: Identity) -> CorpusFacts:
        """Return the facts of ICBHI 2017, or of an own corpus in its format."""
        return facts.facts(identity)

    def expectations(self, identity: Identity) -> Expectations:
        """Return the expectations of ICBHI's format, with the published numbers for the complete corpus."""
        from tasks.corpora.icbhi import expectations  # with Jinja, which no other method needs

        return expectations.expectations(identity)

    def publisher(self, settings: DownloadSettings, work: Path, downloads: Path) -> AbstractContextManager[Collection]:
        """Open the official site."""
        given = settings.metadata.iterdir() if settings.metadata else ()
        at_hand = {name for path in given if (name := self.metadata_name(path.name))}
        return official_site.fetched(settings, downloads, at_hand=at_hand)

    def shipped_metadata(
        self, missing: AbstractCollection[str], audio: Mapping[str, Member], annotations: Mapping[str, Member]
    ) -> Mapping[str, bytes]:
        """Return the official split and the folds, for recordings of ICBHI 2017."""
        return shipped_metadata.of_source(missing, audio, annotations)

    def missing_metadata_hint(self, name: str) -> str:
        """Return the next step: the official address, and the form of the file."""
        return shipped_metadata.hint(name)

    def check_published(self, metadata: Metadata, identity: Identity, origins: Mapping[str, str]) -> None:
        """Refuse a split of verified recordings that is not the official one."""
        if identity.verified:
            shipped_metadata.check_split(metadata, origins[SPLIT_FILE])

    def publisher_files(self) -> Sequence[str]:
        """Return the names of the files on the official site."""
        return (*official_site.METADATA, official_site.ARCHIVE)

    def name_pattern(self, patient: str) -> str:
        """Return a regular expression that finds names of a patient's recordings in any text."""
        return rf"(?<![0-9]){re.escape(patient)}_[0-9]+[a-z][0-9]+_(?:{'|'.join(names.CHEST_LOCATIONS)})_"

    def patients_named(self, content: bytes) -> set[str]:
        """Return the patients that the lines of a metadata file name."""
        return metadata_lines.patients_named(content)

    def remove_patients(self, folder: Path, patients: AbstractCollection[str]) -> None:
        """Remove every line about some patients from the metadata files in a folder."""
        metadata_lines.remove_patients(folder, patients)


def _name_columns(recording_id: str) -> dict[str, Any]:
    """Return the parts of a recording's name by column."""
    name = names.parse(recording_id)
    shared = {"patient_id": name.patient_id, "location": name.location, "device": name.device}
    return shared | {"icbhi_recording_index": name.recording_index, "icbhi_mode": name.mode}


CORPUS = Icbhi()
