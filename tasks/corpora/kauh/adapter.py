"""Adapter of KAUH, and of other recordings in its format: no annotations, the names tell the labels."""

import re
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from tasks.corpora import identities, source_record
from tasks.corpora.contents import Cycle, Metadata, Row
from tasks.corpora.expectations import Expectations
from tasks.corpora.kauh import facts, labels, names
from tasks.corpora.kauh.expectations import EXPECTATIONS
from tasks.corpora.settings import DownloadSettings
from tasks.corpora.source_record_corpus import SourceRecordCorpus
from tasks.runtime.corpus_facts import CorpusFacts, Identity
from tasks.runtime.words import counted


class Kauh(SourceRecordCorpus):
    """KAUH, and other recordings in its format. A cycle is a whole recording."""

    name = facts.NAME
    recordings: ClassVar[int | None] = facts.RECORDINGS
    annotation_suffix = None
    label_sets = facts.LABEL_SETS
    splits = facts.SPLITS
    sides = ("train",)
    devices = (facts.DEVICE,)
    recording_columns = facts.RECORDING_COLUMNS
    cycle_columns = facts.CYCLE_COLUMNS
    fold_seed = 0
    source_file = facts.FILE
    sound_column = "kauh_sound"

    def check_name(self, recording_id: str, where: object) -> None:
        """Refuse a name that is not of KAUH's form."""
        names.parse(recording_id, where=where)

    def recording_id(self, name: str) -> str:
        """Return patient and filter, because the names have blanks and commas."""
        return names.parse(name).recording_id

    def usual_split(self, files: AbstractCollection[str]) -> str:
        """Return fold 0: there is no published division."""
        return "0"

    def derived_metadata(
        self, annotations: Mapping[str, Sequence[str]], settings: DownloadSettings
    ) -> Mapping[str, bytes]:
        """Return the file of the recordings' names."""
        named = {recording_id: {"name": PurePosixPath(paths[0]).stem} for recording_id, paths in annotations.items()}
        return {facts.FILE: source_record.encode(named, crep=settings.kauh.crep)}

    def read_metadata(self, folder: Path, recording_ids: Sequence[str]) -> Metadata:
        """Return the parts of the recordings' names."""
        known, chosen = source_record.read(folder / facts.FILE, recording_ids)
        recordings: dict[str, dict[str, Any]] = {}
        for recording_id in recording_ids:
            name = names.parse(known[recording_id]["name"], where=folder / facts.FILE)
            recordings[recording_id] = {
                "patient_id": name.patient_id,
                "age": float(name.age),
                "sex": name.sex.upper(),
                "diagnosis": labels.diagnosis(name.diagnosis),
                "location": name.location.upper(),
                "device": facts.DEVICE,
                "split": "train",
                "kauh_name": known[recording_id]["name"],
                "kauh_filter": name.filter,
                "kauh_sound": labels.sound(name.sound),
                "kauh_crep": chosen["crep"],
            }
        return Metadata(recordings=recordings)

    def read_cycles(self, annotation: Path, duration_s: float) -> list[Cycle]:
        """Return the whole recording as one cycle."""
        return [Cycle(start_s=0.0, end_s=duration_s)]

    def label(self, label_set: str, cycle: Row) -> int | None:
        """Return the class of a recording in a label set."""
        if label_set.startswith("diagnosis"):
            return labels.diagnosis_label(label_set, cycle["diagnosis"])
        return labels.sound_label(label_set, cycle["kauh_sound"], crep=cycle["kauh_crep"])

    def identify(self, audio: Path, recording_ids: Sequence[str], settings: DownloadSettings) -> Identity:
        """Return the identity of recordings that are only counted."""
        patients = len({name.rpartition("_")[0] for name in recording_ids})
        evidence = (
            f"{counted(len(recording_ids), 'recording')} of {counted(patients, 'patient')} have names of KAUH's form; "
            f"{facts.RECORDINGS} of {facts.PATIENTS} are published. Nothing else was compared: no digests are known."
        )
        return identities.uncompared(facts.NAME, facts.TEXTS, evidence=evidence, count=len(recording_ids))

    def facts(self, identity: Identity) -> CorpusFacts:
        """Return the facts of recordings in KAUH's format."""
        return facts.facts(identity)

    def expectations(self, identity: Identity) -> Expectations:
        """Return the expectations of KAUH's format."""
        return EXPECTATIONS

    def name_pattern(self, patient: str) -> str:
        """Return a regular expression that finds names and ids of a patient's recordings in any text."""
        number = re.escape(patient.removeprefix(names.PREFIX))
        return rf"(?<![0-9A-Za-z])(?:{names.PREFIX}{number}_[BDE]|[BDE]P{number}_[^,]{{1,100}},[^,]{{1,40}},)"

    def patient_of(self, recording_id: str) -> str:
        """Return the id of a recording's patient."""
        return recording_id.rpartition("_")[0]


CORPUS = Kauh()
