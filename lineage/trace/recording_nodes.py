"""Nodes of the data: source, patients, recordings, and the sets of cycles that recordings belong to."""

from collections import Counter
from collections.abc import Iterator

from lineage.trace.catalogue import TEST, TRAIN, Catalogue
from lineage.trace.node_type import NodeType
from lineage.trace.project_data import ProjectData
from lineage.trace.provenance_graph import MADE_BY, Link, Node, links
from tasks.artifacts import RAW_AUDIO

PATIENT = ("diagnosis", "age", "sex", "fold")  # columns of the recordings that describe the patient


class Sources(NodeType):
    """``source:<name>``: archive, folder or generator of the recordings."""

    def node(self, name: str) -> Node:
        """Return the facts that `download` recorded."""
        if dataset := self.data.source.get("dataset"):
            what = f"dataset {dataset['name']} of {self.data.source['source']}, revision {dataset['revision']}"
        else:
            what = f"archive {name}" if self.data.source.get("archive") else f"source {name}, no archive"
        return Node(f"source:{name}", what, dict(self.data.source))

    def before(self, name: str) -> Iterator[Link]:
        """Yield the stage."""
        yield "stage:download", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield all recordings."""
        yield from links("recording", self.data.recordings, "holds the files")


class Patients(NodeType):
    """``patient:<id>``: a patient."""

    def node(self, name: str) -> Node:
        """Return the metadata, the recordings and the subsets."""
        names = self.data.recordings_of[name]
        rows = [self.data.recordings[one] for one in names]
        own = [key for key in self.data.corpus.get("prefixed_columns", ()) if len({row.get(key) for row in rows}) == 1]
        about = {key: rows[0][key] for key in (*PATIENT, *own) if key in rows[0]}
        cycles = (cycle for recording in names for cycle in self.data.cycles_of[recording])
        subsets = sorted({self.data.subsets.get(cycle, "unused") for cycle in cycles})
        facts = {**about, "recordings": names, "subsets": subsets}
        return Node(f"patient:{name}", f"patient {name}", facts, ", ".join(subsets))

    def after(self, name: str) -> Iterator[Link]:
        """Yield the patient's recordings."""
        yield from links("recording", self.data.recordings_of[name], "was recorded")


class Recordings(NodeType):
    """``recording:<recording_id>``: a wav file and its annotation."""

    def __init__(self, data: ProjectData, catalogue: Catalogue) -> None:
        super().__init__(data, catalogue)
        self._sets = {name: set(catalogue.members(name)) for name in catalogue.sets()}

    def node(self, name: str) -> Node:
        """Return both files with their hashes, and the number of cycles in each subset."""
        row = self.data.recordings[name]
        used = dict(Counter(self.data.subsets.get(cycle, "unused") for cycle in self.data.cycles_of[name]))
        facts = {
            "patient_id": row["patient_id"],
            "split": row["split"],
            **{key: row[key] for key in self.data.corpus.get("prefixed_columns", ()) if key in row},
            "wav": {"path": f"{RAW_AUDIO}/{name}.wav", "sha256": row["recording_sha256"]},
            "annotation": {"path": self.data.annotation_of(name), "sha256": row["annotation_sha256"]},
            "frames": row["frames"],
            "sample_rate": row["sample_rate"],
            "device": row["device"],
            "cycles": used,
        }
        return Node(f"recording:{name}", f"recording {name}", facts, ", ".join(used) or "no cycles")

    def before(self, name: str) -> Iterator[Link]:
        """Yield the source and the patient."""
        named = self.data.source.get("archive") or self.data.source.get("dataset") or {}
        source = named.get("name") or self.data.source.get("source", "unknown")
        yield f"source:{source}", "holds the files"
        yield f"patient:{self.data.recordings[name]['patient_id']}", "was recorded"

    def after(self, name: str) -> Iterator[Link]:
        """Yield the sets with cycles of the recording, and these cycles."""
        cycles = self.data.cycles_of[name]
        for one, members in self._sets.items():
            if count := len(members.intersection(cycles)):
                yield f"set:{one}", _cycles(count)
        yield from links("samples", cycles, "its samples")
        yield from links("annotation", cycles, "its line")


class Sets(NodeType):
    """``set:<name>``: the cycles of a subset, such as ``train``, or ``train without fold …`` for teachers of a fold."""

    def node(self, name: str) -> Node:
        """Return the cycles, and the settings of the split."""
        members = self.catalogue.members(name)
        given = {key: self.data.parameter("evaluate", key) for key in ("labels", "split", "validation")}
        rows = [self.data.cycles[cycle] for cycle in members]
        split_file = self.data.corpus.get("split_file")
        facts = {
            **given,
            "split": str(given["split"]),
            "split_file_sha256": (self.data.source.get("metadata") or {}).get(split_file),
            "recordings": len({row["recording_id"] for row in rows}),
            "patients": len({row["patient_id"] for row in rows}),
            "cycles": members,
        }
        label = f"{name}: {len(members)} cycles, {facts['recordings']} recordings, {facts['patients']} patients"
        return Node(f"set:{name}", label, facts)

    def before(self, name: str) -> Iterator[Link]:
        """Yield the recordings of the cycles, and the stage."""
        counts = Counter(self.data.cycles[cycle]["recording_id"] for cycle in self.catalogue.members(name))
        yield from ((f"recording:{recording}", _cycles(count)) for recording, count in counts.items())
        yield "stage:extract", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the models that learned from the set or whose epoch it chose, and the figures that are judged on it."""
        for model in self.catalogue.models.values():
            for selection in model.epoch_chosen_on:
                weights = f"weights:{model.name}/{selection}"
                if name == model.trained_on:
                    yield weights, "learned from"
                if how := model.selection_sets(selection).get(name):
                    yield weights, how
        if name == TRAIN and self.catalogue.labelled:
            yield "soft_labels:train", "labelled"
        if name == TEST:
            yield from links("figures", self.catalogue.figure_groups, "judged on")


def _cycles(count: int) -> str:
    return "1 cycle" if count == 1 else f"{count} cycles"
