"""Adapter of a user's own recordings, which a normalised table describes."""

import csv
import io
import re
from collections.abc import Collection as AbstractCollection
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from tasks.corpora.base import Corpus
from tasks.corpora.contents import Cycle, Metadata, Row
from tasks.corpora.expectations import Expectations, LabelRule
from tasks.corpora.settings import DownloadSettings
from tasks.corpora.table import facts, labels, normalised, source
from tasks.corpora.table.normalised import OF_RECORDING, encode, read_rows, recording
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.corpus_facts import CorpusFacts, Identity, LabelSet
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, quoted
from tasks.sources.collection import Collection


class Table(Corpus):
    """A user's own recordings."""

    name = facts.NAME
    annotation_suffix = ".tsv"
    lines_are_cycles = True
    recording_suffixes = facts.SUFFIXES
    metadata_files: ClassVar[Mapping[str, bool]] = {source.RECORDINGS: True, source.LABELS: True}
    has_own_names = False
    max_metadata_bytes = normalised.MAX_BYTES
    splits = facts.SPLITS
    sides = ("train", facts.OWN)
    recording_columns = facts.RECORDING_COLUMNS
    cycle_columns = facts.CYCLE_COLUMNS
    fold_seed = 0
    sound_column = "table_label"

    def __init__(self, own: Sequence[str] = ()) -> None:
        """Set the classes of the user's own label set, which no other corpus has; none before they are known."""
        self.own = tuple(own)

    @property
    def label_sets(self) -> Mapping[str, LabelSet]:  # type: ignore[override]
        """Label sets by name."""
        return facts.label_sets(self.own)

    def of(self, metadata: Path) -> "Table":
        """Return the adapter with the label set of the recordings in `data/raw`."""
        return Table(read_json(metadata / source.LABELS, {labels.OWN: list})[labels.OWN])

    def prepare(self, collection: Collection, settings: DownloadSettings) -> Collection:
        """Return the recordings that the table lists, under their ids, with an annotation for each."""
        if settings.table is None:
            raise BreathlineError(
                "The corpus format `table` needs the normalised table of the recordings.",
                where="params.yaml: table",
                hint="`breathline corpus add NAME --audio FOLDER --table FILE` writes it",
            )
        return source.prepare(collection, settings.table)

    def check_name(self, recording_id: str, where: object) -> None:
        """Refuse a name that is no id of a recording."""
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}", recording_id) is None:
            raise BreathlineError(
                f"{quoted(recording_id)} is no id of a recording.",
                where=where,
                hint="`breathline corpus add` gives ids of letters, digits, `-` and `_`",
            )

    def usual_split(self, files: AbstractCollection[str]) -> str:
        """Return fold 0, which the recordings of every table have."""
        return "0"

    def read_metadata(self, folder: Path, recording_ids: Sequence[str]) -> Metadata:
        """Return the facts of the recordings from the copy of the table."""
        path = folder / source.RECORDINGS
        known = {row["recording_id"]: recording(row, f"{path}:{line}") for line, row in read_rows(path, OF_RECORDING)}
        unlisted = [name for name in recording_ids if name not in known]
        if unlisted:
            raise BreathlineError(f"The table does not have {unlisted[0]}.", where=path, hint="run `download` again")
        return Metadata(
            recordings={
                name: {
                    "patient_id": known[name].patient_id,
                    "location": known[name].location or None,
                    "device": known[name].device or None,
                    "age": known[name].age,
                    "sex": known[name].sex or None,
                    "diagnosis": known[name].diagnosis or None,
                    "split": "train" if known[name].split == "train" else facts.OWN,
                    "fold": known[name].fold,
                    "table_file": known[name].file,
                }
                for name in recording_ids
            },
            missing={name: row.patient_id for name, row in sorted(known.items()) if name not in set(recording_ids)},
        )

    def read_cycles(self, annotation: Path, duration_s: float) -> list[Cycle]:
        """Return the segments of an annotation."""
        return [
            Cycle(start_s=start, end_s=end, own={"table_label": label, "table_class": kind})
            for start, end, label, kind in source.read_annotation(annotation)
        ]

    def label(self, label_set: str, cycle: Row) -> int | None:
        """Return the class of a segment in a label set."""
        return labels.index(label_set, cycle["table_label"], cycle["table_class"], self.own)

    def identify(self, audio: Path, recording_ids: Sequence[str], settings: DownloadSettings) -> Identity:
        """Return the name of the recordings: that of the corpus, with the beginning of the table's hash."""
        if settings.table is None:
            raise ValueError("the settings have no table")
        name = settings.table.file.stem
        return Identity(
            name=f"{name}-{settings.table.sha256[:8]}",
            statement=f"Own recordings ({name})",
            evidence=(
                f"{counted(len(recording_ids), 'recording')} of {settings.table.file}; the audio files have the hashes "
                "in this table. Nothing is published to compare with."
            ),
            verified=False,
            complete=False,
            recordings=len(recording_ids),
            matched_audio=0,
        )

    def facts(self, identity: Identity) -> CorpusFacts:
        """Return the facts of the recordings."""
        return facts.facts(identity, self.own)

    def expectations(self, identity: Identity) -> Expectations:
        """Return the expectations of the table: known classes, and labels that follow from them."""
        return Expectations(
            required={"cycles": ("table_label", "table_class", labels.OWN), "recordings": ("table_file",)},
            domains={
                "recordings": {"sex": ("F", "M"), "split": self.sides, "fold": tuple(range(facts.FOLDS))},
                "cycles": {"table_class": labels.CLASSES},
            },
            overlapping={"table_class": labels.CLASSES},
            labels=(
                LabelRule(
                    name="lungsound_agrees",
                    meaning="The lung-sound labels follow from the class of the user's label.",
                    sources=("table_class",),
                    classes=labels.CLASS_INDEX,
                ),
            ),
        )

    def name_pattern(self, patient: str) -> str:
        """Return a regular expression that finds names of a patient's recordings in any text."""
        return rf"(?<![0-9A-Za-z_-]){re.escape(patient)}_"

    def patients_named(self, content: bytes) -> set[str]:
        """Return the patients in the table of recordings."""
        reader = csv.DictReader(io.StringIO(content.decode(errors="replace")))
        return {row["patient_id"] for row in reader if row.get("patient_id")}

    def remove_patients(self, folder: Path, patients: AbstractCollection[str]) -> None:
        """Remove the recordings of some patients from the table of recordings."""
        path = folder / source.RECORDINGS
        rows = [recording(row, f"{path}:{line}") for line, row in read_rows(path, OF_RECORDING)]
        path.write_bytes(encode([row for row in rows if row.patient_id not in patients], OF_RECORDING))


CORPUS = Table()
