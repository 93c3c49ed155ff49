"""One cycle on its way: samples and annotation, cycle, row of features, soft label."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lineage.trace import byte_layout
from lineage.trace.catalogue import TEST, TRAIN, VAL, Catalogue
from lineage.trace.project_data import FBANK, RAW, SOFT_LABELS, Evidence
from lineage.trace.provenance_graph import MADE_BY, Link, Node, ids
from models import file_names

FLAGS = ("icbhi_crackles", "icbhi_wheezes", "lungsound_4", "lungsound_2", "diagnosis_3", "diagnosis_2")


class Samples:
    """``samples:<cycle_id>``: the frames of the wav file that a cycle was cut from."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._layout = cache(lambda path: byte_layout.wav(evidence.root / path))

    def node(self, name: str) -> Node:
        """Return frames and bytes; the bytes are left out where the wav file is not there or of another container."""
        cycle = self.evidence.cycles[name]
        recording = self.evidence.recordings[cycle["recording_id"]]
        first, end = byte_layout.frames(cycle["start_s"], cycle["end_s"], recording["sample_rate"], recording["frames"])
        path = f"{RAW}/audio/{cycle['recording_id']}.wav"
        layout = self._layout(path) if self.evidence.exists(path) else None
        facts = {
            "path": path,
            "file_sha256": recording["recording_sha256"],
            "sample_rate": recording["sample_rate"],
            "frames": [first, end],
            "bytes": [layout.start + first * layout.frame, layout.start + end * layout.frame] if layout else None,
            "audio_sha256": cycle["audio_sha256"],
        }
        # The numbers first: where there is room for a part alone, the name of the file is known from its recording.
        where = f", bytes {facts['bytes'][0]}–{facts['bytes'][1] - 1}" if layout else ""
        label = f"frames {first}–{end - 1}{where} of {path}"
        return Node(f"samples:{name}", label, facts, _subset(self.evidence, name))

    def before(self, name: str) -> Iterator[Link]:
        """Yield the recording."""
        yield f"recording:{self.evidence.cycles[name]['recording_id']}", "its samples"

    def after(self, name: str) -> Iterator[Link]:
        """Yield the cycle."""
        yield f"cycle:{name}", "cut"


class Annotations:
    """``annotation:<cycle_id>``: the line that says where a cycle is and what is heard."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def node(self, name: str) -> Node:
        """Return the line with its number, of those that are not empty."""
        cycle = self.evidence.cycles[name]
        path, number = f"{RAW}/audio/{cycle['recording_id']}.txt", cycle["cycle_index"] + 1
        line = None
        if self.evidence.exists(path):
            text = (self.evidence.root / path).read_text(encoding="utf-8-sig")
            line = [line for line in text.splitlines() if line.strip()][number - 1 : number]
        facts = {
            "path": path,
            "file_sha256": self.evidence.recordings[cycle["recording_id"]]["annotation_sha256"],
            "line": number,
            "text": line[0] if line else None,
        }
        return Node(f"annotation:{name}", f"line {number} of {path}", facts, _subset(self.evidence, name))

    def before(self, name: str) -> Iterator[Link]:
        """Yield the recording."""
        yield f"recording:{self.evidence.cycles[name]['recording_id']}", "its line"

    def after(self, name: str) -> Iterator[Link]:
        """Yield the cycle."""
        yield f"cycle:{name}", "placed and labelled"


class Cycles:
    """``cycle:<cycle_id>``: its row in the table of cycles, and its waveforms."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def node(self, name: str) -> Node:
        """Return times, labels and subset."""
        row = self.evidence.cycles[name]
        facts = {key: row[key] for key in ("recording_id", "patient_id", "start_s", "end_s", *FLAGS)}
        facts["subset"] = self.evidence.subsets.get(name)
        unfaded = [f"{rate} Hz" for rate in self.evidence.unfaded]
        facts["waveforms"] = "cut from the whole recording, resampled to the front end's rate and faded at its ends"
        facts["waveforms"] += f" (not at {', '.join(unfaded)})" if unfaded else ""
        label = f"cycle {name}, {row['start_s']:g}–{row['end_s']:g} s, {facts['subset'] or 'in no subset'}"
        return Node(f"cycle:{name}", label, facts, _subset(self.evidence, name))

    def before(self, name: str) -> Iterator[Link]:
        """Yield samples, annotation and what cut it."""
        yield f"samples:{name}", "cut"
        yield f"annotation:{name}", "placed and labelled"
        yield "stage:extract", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield its features by each front end."""
        front_ends = (front_end for front_end in self.evidence.front_ends if has_row(self.evidence, front_end, name))
        yield from ids("fbank", (f"{front_end}/{name}" for front_end in front_ends), "heard")


class Features:
    """``fbank:<front end>/<cycle_id>``: its row in the features of a front end."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue
        self._layout = cache(lambda path: byte_layout.array(evidence.root / path))

    def node(self, name: str) -> Node:
        """Return the row and its bytes; the bytes are left out where the array is not there."""
        front_end, cycle = name.split("/", 1)
        path, row = f"{FBANK}/{front_end}/{file_names.FEATURES}", self.evidence.row_of(front_end)[cycle]
        facts = {"path": path, "row": row, "frontend": front_end, "file_sha256": self.evidence.file(path).get("sha256")}
        if self.evidence.exists(path):
            layout = self._layout(path)
            first = layout.start + row * layout.row
            facts |= {"shape": list(layout.shape[1:]), "bytes": [first, first + layout.row]}
        return Node(f"fbank:{name}", f"row {row} of {path}", facts, f"{front_end}, {_subset(self.evidence, cycle)}")

    def before(self, name: str) -> Iterator[Link]:
        """Yield the cycle and what computed the features."""
        front_end, cycle = name.split("/", 1)
        yield f"cycle:{cycle}", "heard"
        yield f"stage:fbank@{front_end}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the predictions that were made of it, or the soft label."""
        front_end, cycle = name.split("/", 1)
        if self.evidence.subsets.get(cycle) == TEST:
            judged = [pair for pair in self.evidence.judged if front_end in self.catalogue.heard(pair[0])]
            yield from ids("prediction", (f"{model}/{its}/{cycle}" for model, its in judged), "was heard")
        elif any(model.front_end == front_end for model in self.catalogue.labelling(cycle)):
            yield f"soft_label:{cycle}", "was heard"


class SoftLabels:
    """``soft_label:<cycle_id>``: what teachers say of a cycle of the training side."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return the candidates and the logits that they were made of."""
        row, teachers = self.evidence.soft_label(name) or {}, self.catalogue.labelling(name)
        facts = {
            "path": SOFT_LABELS,
            "file_sha256": self.evidence.file(SOFT_LABELS).get("sha256"),
            "soft_labels": row.get("soft_labels"),
            "logits": {model.name: row.get(f"logits.{model.name.partition('/')[2]}") for model in teachers},
            "settings": dict(self.catalogue.settings),
        }
        label = f"soft label of {name} by {len(teachers)} teachers"
        return Node(f"soft_label:{name}", label, facts, _subset(self.evidence, name))

    def before(self, name: str) -> Iterator[Link]:
        """Yield the teachers, the features that they heard, and what combined them."""
        teachers = self.catalogue.labelling(name)
        yield from ids("weights", (f"{model.name}/val" for model in teachers), "labelled")
        front_ends = dict.fromkeys(model.front_end for model in teachers)
        yield from ids("fbank", (f"{front_end}/{name}" for front_end in front_ends), "was heard")
        yield "stage:soft_labels", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the soft labels that students learn from; those of validation cycles are not among them."""
        if self.evidence.subsets.get(name) == TRAIN:
            yield "soft_labels:train", "is one of them"


def has_row(evidence: Evidence, front_end: str, cycle: str) -> bool:
    """Return whether the features of a front end have a row of a cycle."""
    return evidence.exists(f"{FBANK}/{front_end}/{file_names.INDEX}") and cycle in evidence.row_of(front_end)


def has_soft_label(evidence: Evidence, catalogue: Catalogue, cycle: str) -> bool:
    """Return whether teachers have labelled a cycle."""
    return catalogue.labelled and evidence.subsets.get(cycle) in (TRAIN, VAL) and bool(catalogue.labelling(cycle))


def _subset(evidence: Evidence, cycle: str) -> str:
    return evidence.subsets.get(cycle) or "in no subset"
