"""An invented corpus: JSON annotations, whole recordings as cycles, a split, devices and a label set of its own."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile

from tasks.corpora.base import Corpus
from tasks.corpora.contents import Cycle, Metadata, Row
from tasks.corpora.expectations import Expectations
from tasks.corpora.settings import DownloadSettings
from tasks.runtime.corpus_facts import CorpusFacts, GroupColumn, Identity, LabelSet
from tasks.runtime.errors import BreathlineError


class Coughs(Corpus):
    name = "coughs"
    annotation_suffix = ".json"
    metadata_files: ClassVar = {"people.json": True}
    label_sets: ClassVar = {"cough_2": LabelSet(column="cough_2", classes=("dry", "wet"), description="sound")}
    cycle_columns: ClassVar = {"coughs_wet": "bool"}

    def check_name(self, recording_id: str, where: object) -> None:
        if not re.fullmatch(r"[a-z]+-\d", recording_id):
            raise BreathlineError(f"`{recording_id}` is not a name.", where=where, hint="write, for example, anna-1")

    def read_metadata(self, folder: Path, recording_ids: Sequence[str]) -> Metadata:
        people = json.loads((folder / "people.json").read_text())
        sides = {name: {key: row.pop(key) for key in ("device", "split")} for name, row in people.items()}
        owners = {recording_id: recording_id.partition("-")[0] for recording_id in recording_ids}
        recordings = {recording_id: {"patient_id": owner, **sides[owner]} for recording_id, owner in owners.items()}
        return Metadata(recordings=recordings, patients=people)

    def read_cycles(self, annotation: Path, duration_s: float) -> list[Cycle]:
        return [
            Cycle(
                start_s=0.0,
                end_s=duration_s,
                own={"coughs_wet": json.loads(annotation.read_text(encoding="utf-8"))["wet"]},
            )
        ]

    def label(self, label_set: str, cycle: Row) -> int | None:
        return int(cycle["coughs_wet"])

    def identify(self, audio: Path, recording_ids: Sequence[str], settings: DownloadSettings) -> Identity:
        said = {"statement": "Invented coughs", "evidence": "No published corpus exists."}
        return Identity(name="coughs", verified=True, complete=True, recordings=len(recording_ids), **said)

    def expectations(self, identity: Identity) -> Expectations:
        return Expectations(domains={"recordings": {"device": ("phone", "watch")}}, patient_columns=("age", "sex"))

    def facts(self, identity: Identity) -> CorpusFacts:
        said = {"title": "Coughs", "description": "Coughs.", "origin": "a test", "cycle": "one recording"}
        device = GroupColumn(column="device", title="Device")
        columns = {"prefixed_columns": ("coughs_wet",), "group_columns": (device,)}
        own = {"label_sets": self.label_sets, "splits": {"official": "by person"}, "banner": "Invented coughs."}
        return bare_facts(name="coughs", identity=identity, **said, **columns, **own)


def bare_facts(**given: Any) -> CorpusFacts:
    """Return the facts of a corpus; all that are not given are empty or unknown."""
    empty = ("patients_on_both_sides", "prefixed_columns", "group_columns", "limits", "personal", "published")
    unknown = dict.fromkeys(("split_file", "licence", "citation", "homepage"))
    return CorpusFacts(**{**dict.fromkeys((*empty, "challenge_metrics"), ()), **unknown, **given})


def write(folder: Path) -> Path:
    """Write sixteen recordings of one second of eight people, three of whom test, and return the folder."""
    folder.mkdir()
    names = ("anna", "bert", "cara", "dora", "emil", "fred", "gina", "hans")
    person = {"age": 40.0, "sex": "F", "device": "watch"}
    people = {name: {**person, "split": "test" if name > "f" else "train"} for name in names}
    (folder / "people.json").write_text(json.dumps(people))
    for seed, name in enumerate(names):
        for wet in (0, 1):
            noise = np.random.default_rng(2 * seed + wet).uniform(-0.3, 0.3, 8000)
            soundfile.write(folder / f"{name}-{wet}.wav", noise, 8000, subtype="PCM_16")
            (folder / f"{name}-{wet}.json").write_text(json.dumps({"wet": bool(wet)}))
    return folder
