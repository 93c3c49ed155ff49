"""Adapter of SPRSound, and of other recordings in its format."""

import re
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tasks.corpora import optional_sounds, source_record
from tasks.corpora.contents import Cycle, Metadata, Row
from tasks.corpora.expectations import Expectations
from tasks.corpora.settings import DownloadSettings
from tasks.corpora.source_record_corpus import SourceRecordCorpus
from tasks.corpora.sprsound import (
    annotations,
    expectations,
    expected,
    facts,
    known_recordings,
    labels,
    names,
    sides,
)
from tasks.runtime.corpus_facts import CorpusFacts, Identity
from tasks.runtime.errors import BreathlineError


class Sprsound(SourceRecordCorpus):
    """SPRSound, and other recordings in its format."""

    name = facts.NAME
    source_file = sides.FILE
    recordings: ClassVar[int | None] = expected.RECORDINGS
    annotation_suffix = ".json"
    label_sets = facts.LABEL_SETS
    splits = facts.SPLITS
    sides = sides.SIDES
    devices = (facts.DEVICE,)
    recording_columns = facts.RECORDING_COLUMNS
    cycle_columns = facts.CYCLE_COLUMNS
    fold_seed = 0
    sound_column = "sprsound_event"

    def check_name(self, recording_id: str, where: object) -> None:
        """Refuse a name that is not of SPRSound's form."""
        names.parse(recording_id, where=where)

    def variant(self, settings: Row) -> str:
        """Return the adapter of whole recordings if the settings ask for them."""
        return "sprsound_recordings" if settings.get("segments") == "recordings" else self.name

    def sides_of(self, files: AbstractCollection[str]) -> set[str]:
        """Return the sides of the annotations, by their folders."""
        found = (_side(path) for path in files if path.lower().endswith(self.annotation_suffix))
        return {side for side in found if side is not None}

    def usual_split(self, files: AbstractCollection[str]) -> str:
        """Return `inter` for a source with that test, else fold 0 of the train part."""
        return "inter" if "inter" in self.sides_of(files) else "0"

    def derived_metadata(
        self, annotations: Mapping[str, Sequence[str]], settings: DownloadSettings
    ) -> Mapping[str, bytes]:
        """Return the file of release and side of each recording."""
        return {sides.FILE: sides.derive(annotations, optional_sounds.column(settings.sprsound))}

    def read_metadata(self, folder: Path, recording_ids: Sequence[str]) -> Metadata:
        """Return the parts of the recordings' names, their releases and their sides."""
        places, chosen = source_record.read(folder / sides.FILE, recording_ids)
        recordings: dict[str, dict[str, Any]] = {}
        for recording_id in recording_ids:
            name = names.parse(recording_id)
            recordings[recording_id] = {
                "patient_id": name.patient_id,
                "age": float(name.age),
                "sex": names.SEXES[name.sex],
                "location": names.LOCATIONS[name.site],
                "device": facts.DEVICE,
                "split": places[recording_id]["side"],
                "sprsound_release": places[recording_id]["release"],
                "sprsound_also_wheeze": chosen["also_wheeze"],
                **{f"sprsound_{part}": value for part, value in vars(name).items()},
            }
        return Metadata(recordings=recordings)

    def read_recording(self, annotation: Path) -> Row:
        """Return the label of the recording, of five classes and of three."""
        record = annotations.read(annotation).record
        return {"sprsound_record": record, "sprsound_record_3": record and labels.RECORDS[record]}

    def read_cycles(self, annotation: Path, duration_s: float) -> list[Cycle]:
        """Return the events of an annotation by start."""
        return [
            Cycle(start_s=event.start_s, end_s=event.end_s, own={"sprsound_event": event.type})
            for event in annotations.read(annotation).events
        ]

    def label(self, label_set: str, cycle: Row) -> int | None:
        """Return the class of an event in a label set."""
        return labels.label(label_set, cycle["sprsound_event"], optional_sounds.names(cycle["sprsound_also_wheeze"]))

    def identify(self, audio: Path, recording_ids: Sequence[str], settings: DownloadSettings) -> Identity:
        """Return the result of comparing recordings with the release BioCAS2022."""
        return known_recordings.compare(audio.parent, recording_ids)

    def facts(self, identity: Identity) -> CorpusFacts:
        """Return the facts of SPRSound, or of own recordings in its format."""
        return facts.facts(identity)

    def expectations(self, identity: Identity) -> Expectations:
        """Return the expectations of SPRSound's format, with the published numbers for the complete release."""
        return expectations.expectations(identity)

    def name_pattern(self, patient: str) -> str:
        """Return a regular expression that finds names of a patient's recordings in any text."""
        return rf"(?<![0-9]){re.escape(patient.removeprefix(names.PREFIX))}_[0-9]+(?:\.[0-9]+)?_[01]_p[1-8]_"

    def patient_of(self, recording_id: str) -> str:
        """Return the id of a recording's patient."""
        return names.parse(recording_id).patient_id


def _side(annotation: str) -> str | None:
    """Return the side of a recording, or None if its folder does not tell it."""
    try:
        return sides.place(annotation)[1]
    except BreathlineError:
        return None


CORPUS = Sprsound()
