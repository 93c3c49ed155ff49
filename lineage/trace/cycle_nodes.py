"""Nodes of a single cycle: samples, annotation, cycle, row of features, soft label."""

import re
from collections.abc import Iterator
from functools import cache

from lineage.trace import byte_layout
from lineage.trace.catalogue import TRAIN, VAL, Catalogue
from lineage.trace.node_type import NodeType
from lineage.trace.project_data import ProjectData
from lineage.trace.provenance_graph import MADE_BY, Link, Node, links
from models import file_names
from tasks.artifacts import SOFT_LABELS
from tasks.audio.cycle_bounds import bounds
from tasks.corpora.text_files import read_text

UNSHOWN = ("cycle_id", "cycle_index", "audio_sha256")  # columns of a cycle that are facts of other nodes


class Samples(NodeType):
    """``samples:<cycle_id>``: the frames of the wav file from which a cycle was cut."""

    def __init__(self, data: ProjectData, catalogue: Catalogue) -> None:
        super().__init__(data, catalogue)
        self._layout = cache(lambda path: byte_layout.wav(data.root / path))

    def node(self, name: str) -> Node:
        """Return frames and bytes; without bytes if the wav file is missing or has another container."""
        cycle = self.data.cycles[name]
        recording = self.data.recordings[cycle["recording_id"]]
        rate, count = recording["sample_rate"], recording["frames"]
        place = bounds(cycle["start_s"], cycle["end_s"], rate, count)
        first, end = place.start, place.stop
        path = self.data.audio_of(cycle["recording_id"])
        layout = self._layout(path) if self.data.exists(path) else None
        facts = {
            "path": path,
            "file_sha256": recording["recording_sha256"],
            "sample_rate": rate,
            "frames": [first, end],
            "bytes": [layout.start + first * layout.frame, layout.start + end * layout.frame] if layout else None,
            "audio_sha256": cycle["audio_sha256"],
        }
        # The file comes last in the label, which may be cut off, because the recording's node names it too.
        where = f", bytes {facts['bytes'][0]}–{facts['bytes'][1] - 1}" if layout else ""
        label = f"frames {first}–{end - 1}{where} of {path}"
        return Node(f"samples:{name}", label, facts, _subset(self.data, name))

    def before(self, name: str) -> Iterator[Link]:
        """Yield the recording."""
        yield f"recording:{self.data.cycles[name]['recording_id']}", "its samples"

    def after(self, name: str) -> Iterator[Link]:
        """Yield the cycle."""
        yield f"cycle:{name}", "cut"


class Annotations(NodeType):
    """``annotation:<cycle_id>``: the line with times and events of a cycle."""

    def node(self, name: str) -> Node:
        """Return the number of the cycle in its annotation and, of a text, the line among those that are not empty."""
        cycle = self.data.cycles[name]
        path, number = self.data.annotation_of(cycle["recording_id"]), cycle["cycle_index"] + 1
        line = None
        by_line = self.data.lines_are_cycles(cycle["recording_id"])
        if by_line and self.data.exists(path):
            lines = re.split(r"\r\n|\r|\n", read_text(self.data.root / path))
            line = [line for line in lines if line.strip()][number - 1 : number]
        facts = {
            "path": path,
            "file_sha256": self.data.recordings[cycle["recording_id"]]["annotation_sha256"],
            "line" if by_line else "cycle": number,
            "text": line[0] if line else None,
        }
        place = f"{'line' if by_line else 'cycle'} {number} of {path}"
        label = place if facts["file_sha256"] else f"the name of {path}"
        return Node(f"annotation:{name}", label, facts, _subset(self.data, name))

    def before(self, name: str) -> Iterator[Link]:
        """Yield the recording."""
        yield f"recording:{self.data.cycles[name]['recording_id']}", "its line"

    def after(self, name: str) -> Iterator[Link]:
        """Yield the cycle."""
        yield f"cycle:{name}", "placed and labelled"


class Cycles(NodeType):
    """``cycle:<cycle_id>``: a row of the table of cycles, and its waveforms."""

    def node(self, name: str) -> Node:
        """Return times, labels and subset."""
        row = self.data.cycles[name]
        facts = {key: value for key, value in row.items() if key not in UNSHOWN}
        facts["subset"] = self.data.subsets.get(name)
        unfaded = [f"{rate} Hz" for rate in self.data.unfaded(self.data.corpus_of_cycle(name))]
        facts["waveforms"] = "cut from the whole recording, resampled to the front end's rate and faded at its ends"
        facts["waveforms"] += f" (not at {', '.join(unfaded)})" if unfaded else ""
        label = f"cycle {name}, {row['start_s']:g}–{row['end_s']:g} s, {facts['subset'] or 'in no subset'}"
        return Node(f"cycle:{name}", label, facts, _subset(self.data, name))

    def before(self, name: str) -> Iterator[Link]:
        """Yield samples, annotation and the stage."""
        yield f"samples:{name}", "cut"
        yield f"annotation:{name}", "placed and labelled"
        yield f"stage:{self.data.corpus_of_cycle(name).stage('extract')}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the features of each front end."""
        front_ends = (front_end for front_end in self.data.front_ends if self._has_features(front_end, name))
        yield from links("fbank", (f"{front_end}/{name}" for front_end in front_ends), "converted to features")

    def _has_features(self, front_end: str, cycle: str) -> bool:
        corpus = self.data.corpus_of_cycle(cycle)
        index = corpus.features(front_end) / file_names.INDEX
        return self.data.exists(index) and cycle in self.data.row_of(corpus, front_end)


class Features(NodeType):
    """``fbank:<front end>/<cycle_id>``: a row of the features of a front end."""

    def __init__(self, data: ProjectData, catalogue: Catalogue) -> None:
        super().__init__(data, catalogue)
        self._layout = cache(lambda path: byte_layout.array(data.root / path))

    def node(self, name: str) -> Node:
        """Return the row and its bytes; without bytes if the array is missing."""
        front_end, cycle = name.split("/", 1)
        corpus = self.data.corpus_of_cycle(cycle)
        path = f"{corpus.features(front_end)}/{file_names.FEATURES}"
        row = self.data.row_of(corpus, front_end)[cycle]
        facts = {"path": path, "row": row, "frontend": front_end, "file_sha256": self.data.file(path).get("sha256")}
        if self.data.exists(path):
            layout = self._layout(path)
            first = layout.start + row * layout.row
            facts |= {"shape": list(layout.shape[1:]), "bytes": [first, first + layout.row]}
        return Node(f"fbank:{name}", f"row {row} of {path}", facts, f"{front_end}, {_subset(self.data, cycle)}")

    def before(self, name: str) -> Iterator[Link]:
        """Yield the cycle and the stage."""
        front_end, cycle = name.split("/", 1)
        yield f"cycle:{cycle}", "converted to features"
        yield f"stage:{self.data.corpus_of_cycle(cycle).stage('fbank', front_end)}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the predictions from these features, or the soft label."""
        front_end, cycle = name.split("/", 1)
        if self.data.is_tested(cycle):
            pairs = (pair for pair in self.data.predicted_models if front_end in self.catalogue.front_ends_of(pair[0]))
            yield from links(
                "prediction", (f"{model}/{selection}/{cycle}" for model, selection in pairs), "its features"
            )
        elif any(model.front_end == front_end for model in self.catalogue.labellers_of(cycle)):
            yield f"soft_label:{cycle}", "its features"


class SoftLabels(NodeType):
    """``soft_label:<cycle_id>``: the soft label of a cycle in train or val."""

    def node(self, name: str) -> Node:
        """Return the candidates and the logits behind them."""
        row, teachers = self.data.soft_label(name), self.catalogue.labellers_of(name)
        facts = {
            "path": str(SOFT_LABELS),
            "file_sha256": self.data.file(SOFT_LABELS).get("sha256"),
            "soft_labels": row.get("soft_labels"),
            "logits": {model.name: row.get(f"logits.{model.name.partition('/')[2]}") for model in teachers},
            "settings": dict(self.catalogue.settings),
        }
        label = f"soft label of {name} by {len(teachers)} teachers"
        return Node(f"soft_label:{name}", label, facts, _subset(self.data, name))

    def before(self, name: str) -> Iterator[Link]:
        """Yield the teachers, their features and the stage."""
        teachers = self.catalogue.labellers_of(name)
        yield from links("weights", (f"{model.name}/val" for model in teachers), "labelled")
        front_ends = dict.fromkeys(model.front_end for model in teachers)
        yield from links("fbank", (f"{front_end}/{name}" for front_end in front_ends), "its features")
        yield "stage:soft_labels", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the soft labels of the training cycles; those of validation cycles are not among them."""
        if self.data.subsets.get(name) == TRAIN:
            yield "soft_labels:train", "is one of them"


def has_soft_label(data: ProjectData, catalogue: Catalogue, cycle: str) -> bool:
    """Return whether teachers have labelled a cycle of the current subsets."""
    return data.subsets.get(cycle) in (TRAIN, VAL) and bool(catalogue.labellers_of(cycle))


def _subset(data: ProjectData, cycle: str) -> str:
    return data.subsets.get(cycle) or "in no subset"
