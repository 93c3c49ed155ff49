"""Where everything begins: the source, its patients, their recordings, and the sets that recordings are part of."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.trace.catalogue import TEST, TRAIN, Catalogue
from lineage.trace.project_data import RAW, Evidence
from lineage.trace.provenance_graph import MADE_BY, Link, Node, ids

SPLIT_FILE = "ICBHI_challenge_train_test.txt"


class Sources:
    """``source:<name>``: the archive, folder or generator that the recordings come from."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    @property
    def name(self) -> str:
        """What it is called: the archive's file name, or which source."""
        archive = self.evidence.source.get("archive") or {}
        return str(archive.get("name") or self.evidence.source.get("source", "unknown"))

    def node(self, name: str) -> Node:
        """Return what `download` tells of it."""
        archive = self.evidence.source.get("archive")
        what = f"archive {name}" if archive else f"source {name}, no archive"
        return Node(f"source:{name}", what, dict(self.evidence.source))

    def before(self, _name: str) -> Iterator[Link]:
        """Yield what fetched it."""
        yield "stage:download", MADE_BY

    def after(self, _name: str) -> Iterator[Link]:
        """Yield all recordings."""
        yield from ids("recording", self.evidence.recordings, "holds the files")


class Patients:
    """``patient:<number>``."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def node(self, name: str) -> Node:
        """Return a patient as the metadata describe them."""
        names = self.evidence.recordings_of[name]
        row = self.evidence.recordings[names[0]]
        about = {
            key: row[key]
            for key in ("diagnosis", "age", "sex", "icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm", "fold")
        }
        cycles = (cycle for recording in names for cycle in self.evidence.cycles_of[recording])
        sides = sorted({self.evidence.subsets.get(cycle) or "unused" for cycle in cycles})
        facts = {**about, "recordings": names, "subsets": sides}
        return Node(f"patient:{name}", f"patient {name}", facts, ", ".join(sides))

    def before(self, _name: str) -> Iterator[Link]:
        """Yield nothing: a patient is a beginning."""
        yield from ()

    def after(self, name: str) -> Iterator[Link]:
        """Yield the patient's recordings."""
        yield from ids("recording", self.evidence.recordings_of[name], "was recorded")


class Recordings:
    """``recording:<recording_id>``: a wav file and its annotation."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue
        self._sets = {name: set(catalogue.members(name)) for name in catalogue.sets()}

    def node(self, name: str) -> Node:
        """Return both files with their hashes, and how many cycles each set has of them."""
        row, cycles = self.evidence.recordings[name], self.evidence.cycles_of[name]
        subsets = [self.evidence.subsets.get(cycle, "unused") for cycle in cycles]
        used = {subset: subsets.count(subset) for subset in dict.fromkeys(subsets)}
        facts = {
            "patient_id": row["patient_id"],
            "split": row["split"],
            "name_in_split": row["icbhi_name_in_split"],
            "wav": {"path": f"{RAW}/audio/{name}.wav", "sha256": row["recording_sha256"]},
            "annotation": {"path": f"{RAW}/audio/{name}.txt", "sha256": row["annotation_sha256"]},
            "frames": row["frames"],
            "sample_rate": row["sample_rate"],
            "device": row["device"],
            "cycles": used,
        }
        return Node(f"recording:{name}", f"recording {name}", facts, ", ".join(used) or "no cycles")

    def before(self, name: str) -> Iterator[Link]:
        """Yield the source and the patient."""
        yield f"source:{Sources(self.evidence).name}", "holds the files"
        yield f"patient:{self.evidence.recordings[name]['patient_id']}", "was recorded"

    def after(self, name: str) -> Iterator[Link]:
        """Yield the sets that have cycles of it, and these cycles."""
        cycles = self.evidence.cycles_of[name]
        for its, members in self._sets.items():
            if count := len(members.intersection(cycles)):
                yield f"set:{its}", _how_many(count)
        yield from ids("samples", cycles, "its samples")
        yield from ids("annotation", cycles, "its line")


class Sets:
    """``set:<name>``: cycles that train, choose the epoch or test; ``train without fold …`` for its teachers."""

    def __init__(self, evidence: Evidence, catalogue: Catalogue) -> None:
        self.evidence, self.catalogue = evidence, catalogue

    def node(self, name: str) -> Node:
        """Return its cycles."""
        members = self.catalogue.members(name)
        labels, split, validation = (
            self.evidence.parameter("evaluate", key) for key in ("labels", "split", "validation")
        )
        rows = [self.evidence.cycles[cycle] for cycle in members]
        facts = {
            "labels": labels,
            "split": str(split),
            "split_file_sha256": (self.evidence.source.get("metadata") or {}).get(SPLIT_FILE),
            "validation": validation,
            "recordings": len({row["recording_id"] for row in rows}),
            "patients": len({row["patient_id"] for row in rows}),
            "cycles": members,
        }
        label = f"{name}: {len(members)} cycles, {facts['recordings']} recordings, {facts['patients']} patients"
        return Node(f"set:{name}", label, facts)

    def before(self, name: str) -> Iterator[Link]:
        """Yield the recordings that have cycles in it, and what cut them."""
        counts: dict[str, int] = {}
        for cycle in self.catalogue.members(name):
            recording = self.evidence.cycles[cycle]["recording_id"]
            counts[recording] = counts.get(recording, 0) + 1
        yield from ((f"recording:{recording}", _how_many(count)) for recording, count in counts.items())
        yield "stage:extract", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield the models that learned from it or were chosen by it, and the figures that are judged on it."""
        for model in self.catalogue.models.values():
            for selection in model.selections:
                weights = f"weights:{model.name}/{selection}"
                if name == model.trained_on:
                    yield weights, "learned from"
                if how := model.judges(selection).get(name):
                    yield weights, how
        if name == TRAIN and self.catalogue.labelled:
            yield "soft_labels:train", "labelled"
        if name == TEST:
            yield from ids("figures", self.catalogue.figures, "judged on")


def _how_many(count: int) -> str:
    return "1 cycle" if count == 1 else f"{count} cycles"
