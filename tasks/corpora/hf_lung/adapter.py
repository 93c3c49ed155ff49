"""Adapter of HF_Lung_V1, and of other recordings in its format. A cycle is an inhalation or an exhalation."""

import re
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tasks.corpora import identities, optional_sounds, source_record
from tasks.corpora.contents import Cycle, Metadata, Row
from tasks.corpora.expectations import Expectations
from tasks.corpora.file_copies import common_place
from tasks.corpora.hf_lung import annotations, facts, labels, names, sides
from tasks.corpora.hf_lung.expectations import EXPECTATIONS
from tasks.corpora.settings import DownloadSettings
from tasks.corpora.source_record_corpus import SourceRecordCorpus
from tasks.runtime.corpus_facts import CorpusFacts, Identity
from tasks.runtime.words import counted


class HfLung(SourceRecordCorpus):
    """HF_Lung_V1, and other recordings in its format."""

    name = facts.NAME
    source_file = sides.FILE
    recordings: ClassVar[int | None] = facts.RECORDINGS
    annotation_suffix = "_label.txt"
    label_sets = facts.LABEL_SETS
    splits = facts.SPLITS
    sides = sides.SIDES
    devices = tuple(names.DEVICES.values())
    recording_columns = facts.RECORDING_COLUMNS
    cycle_columns = facts.CYCLE_COLUMNS
    fold_seed = 0
    sound_column = "hf_lung_sounds"

    def check_name(self, recording_id: str, where: object) -> None:
        """Refuse a name that is not of HF_Lung's form."""
        names.parse(recording_id, where=where)

    def usual_split(self, files: AbstractCollection[str]) -> str:
        """Return `official` for a source with both sides, else fold 0."""
        found = {sides.side(path) for path in files if path.lower().endswith(self.annotation_suffix)}
        return "official" if found == set(sides.SIDES) else "0"

    def derived_metadata(
        self, annotations: Mapping[str, Sequence[str]], settings: DownloadSettings
    ) -> Mapping[str, bytes]:
        """Return the file of the side of each recording, and of the settings."""
        recordings = {name: {"side": common_place(paths, sides.side)} for name, paths in annotations.items()}
        asked = settings.hf_lung
        also_wheeze = optional_sounds.column(asked)
        return {sides.FILE: source_record.encode(recordings, unannotated=asked.unannotated, also_wheeze=also_wheeze)}

    def read_metadata(self, folder: Path, recording_ids: Sequence[str]) -> Metadata:
        """Return the parts of the recordings' names, and their sides."""
        known, chosen = source_record.read(folder / sides.FILE, recording_ids)
        recordings: dict[str, dict[str, Any]] = {}
        for recording_id in recording_ids:
            name = names.parse(recording_id)
            recordings[recording_id] = {
                "patient_id": name.patient_id,
                "location": name.location or None,
                "device": names.DEVICES[name.series],
                "split": known[recording_id]["side"],
                "hf_lung_series": name.series,
                "hf_lung_take": name.take,
                "hf_lung_date": name.date,
                "hf_lung_unannotated": chosen["unannotated"],
                "hf_lung_also_wheeze": chosen["also_wheeze"],
            }
        return Metadata(recordings=recordings)

    def read_recording(self, annotation: Path) -> Row:
        """Return the number of sounds outside of all breaths."""
        return {"hf_lung_sounds_outside": annotations.outside(annotations.read(annotation))}

    def read_cycles(self, annotation: Path, duration_s: float) -> list[Cycle]:
        """Return the inhalations and exhalations by start, with the sounds that lie in each."""
        return [
            Cycle(
                start_s=breath.start_s,
                end_s=breath.end_s,
                own={
                    "hf_lung_phase": breath.phase,
                    "hf_lung_sounds": labels.column(breath.sounds),
                    **{f"hf_lung_{sound.lower()}": int(sound in breath.sounds) for sound in annotations.SOUNDS},
                },
            )
            for breath in annotations.breaths(annotations.read(annotation))
        ]

    def label(self, label_set: str, cycle: Row) -> int | None:
        """Return the class of a breath in a label set."""
        return labels.label(
            label_set,
            cycle["hf_lung_sounds"],
            unannotated=cycle["hf_lung_unannotated"],
            also_wheeze=optional_sounds.names(cycle["hf_lung_also_wheeze"]),
        )

    def identify(self, audio: Path, recording_ids: Sequence[str], settings: DownloadSettings) -> Identity:
        """Return the identity of recordings that are only counted."""
        evidence = (
            f"{counted(len(recording_ids), 'recording')} have names of HF_Lung's form; {facts.RECORDINGS:,} are "
            "published. Nothing else was compared: no digests are known."
        )
        return identities.uncompared(facts.NAME, facts.TEXTS, evidence=evidence, count=len(recording_ids))

    def facts(self, identity: Identity) -> CorpusFacts:
        """Return the facts of recordings in HF_Lung's format."""
        return facts.facts(identity)

    def expectations(self, identity: Identity) -> Expectations:
        """Return the expectations of HF_Lung's format."""
        return EXPECTATIONS

    def name_pattern(self, patient: str) -> str:
        """Return a regular expression that finds names of the recordings of a date in any text."""
        date = re.escape(patient.removeprefix(names.PREFIX))
        return rf"(?:steth_{date.replace(re.escape('-'), '')}_|trunc_{date}-)[0-9]{{2}}"

    def patient_of(self, recording_id: str) -> str:
        """Return the id of a recording's date, which stands in for the unknown patient."""
        return names.parse(recording_id).patient_id


CORPUS = HfLung()
