"""Nodes of the data: source, patients, recordings, and the sets of cycles that recordings belong to."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from lineage.trace.catalogue import TRAIN
from lineage.trace.node_type import NodeType
from lineage.trace.project_data import external_set
from lineage.trace.provenance_graph import MADE_BY, Link, Node, links

PATIENT = ("diagnosis", "age", "sex", "fold")  # columns of the recordings that describe the patient


class Sources(NodeType):
    """``source:<corpus>``: archive, folder or generator of the recordings of a corpus."""

    def node(self, name: str) -> Node:
        """Return the role of the corpus, and the facts that `download` recorded."""
        corpus = self.data.corpora[name]
        source = self.data.source(corpus)
        if dataset := source.get("dataset"):
            what = f"dataset {dataset['name']} of {source['source']}, revision {dataset['revision']}"
        else:
            archive = (source.get("archive") or {}).get("name")
            what = f"archive {archive}" if archive else f"source {source.get('source', 'unknown')}, no archive"
        kind = "external corpus" if corpus.role == "external" else "corpus"
        return Node(f"source:{name}", f"{kind} {name}: {what}", {"role": corpus.role, **source})

    def before(self, name: str) -> Iterator[Link]:
        """Yield the stage."""
        yield f"stage:{self.data.corpora[name].stage('download')}", MADE_BY

    def after(self, name: str) -> Iterator[Link]:
        """Yield all recordings."""
        corpora = self.data.recordings.values_of("corpus").items()
        yield from links("recording", (one for one, corpus in corpora if corpus == name), "holds the files")


class Patients(NodeType):
    """``patient:<id>``: a patient."""

    def node(self, name: str) -> Node:
        """Return the metadata, the recordings and the subsets."""
        names = self.data.recordings_of[name]
        rows = [self.data.recordings[one] for one in names]
        prefixed = self.data.facts(self.data.corpus_of_recording(names[0])).get("prefixed_columns", ())
        own = [key for key in prefixed if len({row.get(key) for row in rows}) == 1]
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

    def node(self, name: str) -> Node:
        """Return both files with their hashes, and the number of cycles in each subset."""
        row, corpus = self.data.recordings[name], self.data.corpus_of_recording(name)
        used = dict(Counter(self.data.subsets.get(cycle, "unused") for cycle in self.data.cycles_of[name]))
        facts = {
            "corpus": corpus.name,
            "patient_id": row["patient_id"],
            "split": row["split"],
            **{key: row[key] for key in self.data.facts(corpus).get("prefixed_columns", ()) if key in row},
            "wav": {"path": self.data.audio_of(name), "sha256": row["recording_sha256"]},
            "annotation": {"path": self.data.annotation_of(name), "sha256": row["annotation_sha256"]},
            "frames": row["frames"],
            "sample_rate": row["sample_rate"],
            "device": row["device"],
            "cycles": used,
        }
        return Node(f"recording:{name}", f"recording {name}", facts, ", ".join(used) or "no cycles")

    def before(self, name: str) -> Iterator[Link]:
        """Yield the source and the patient."""
        yield f"source:{self.data.recordings[name]['corpus']}", "holds the files"
        yield f"patient:{self.data.recordings[name]['patient_id']}", "was recorded"

    def after(self, name: str) -> Iterator[Link]:
        """Yield the sets with cycles of the recording, and these cycles."""
        cycles = self.data.cycles_of[name]
        for one, members in self._sets.items():
            if count := len(members.intersection(cycles)):
                yield f"set:{one}", _cycles(count)
        yield from links("samples", cycles, "its samples")
        yield from links("annotation", cycles, "its line")

    @cached_property
    def _sets(self) -> dict[str, set[str]]:
        return {name: set(self.catalogue.members(name)) for name in self.catalogue.sets()}


class Sets(NodeType):
    """``set:<name>``: the cycles of a subset, such as ``train``, or ``train without fold …`` for teachers of a fold."""

    def node(self, name: str) -> Node:
        """Return the cycles, and the settings of the split."""
        members = self.catalogue.members(name)
        given = {key: self.data.parameter("evaluate", key) for key in ("labels", "split", "validation")}
        facts = {
            **given,
            "split": str(given["split"]),
            "split_file_sha256": {one: self._split_file(one) for one in sorted(self._values(members, "corpus"))},
            "recordings": len(self._values(members, "recording_id")),
            "patients": len(self._values(members, "patient_id")),
            "cycles": members,
        }
        label = f"{name}: {len(members)} cycles, {facts['recordings']} recordings, {facts['patients']} patients"
        return Node(f"set:{name}", label, facts)

    def before(self, name: str) -> Iterator[Link]:
        """Yield the recordings of the cycles, and the stage."""
        recordings = self.data.cycles.values_of("recording_id")
        counts = Counter(recordings[cycle] for cycle in self.catalogue.members(name))
        yield from ((f"recording:{recording}", _cycles(count)) for recording, count in counts.items())
        tested = next((one for one in self.data.tested if external_set(one) == name), None)
        if tested is None:
            yield "stage:pool", MADE_BY
        else:
            yield f"stage:{self.data.corpora[tested].stage('extract')}", MADE_BY
            yield "stage:external", "named the test"

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
        groups = self.catalogue.figure_groups.items()
        yield from links("figures", (key for key, group in groups if group.judged_on == name), "judged on")

    def _values(self, cycles: Iterable[str], column: str) -> set[str]:
        """Return the different values of a column of some cycles."""
        values = self.data.cycles.values_of(column)
        return {values[cycle] for cycle in cycles}

    def _split_file(self, corpus: str) -> str | None:
        """Return the SHA-256 of the file with the split of a corpus; None if it has none."""
        folders = self.data.corpora[corpus]
        found: str | None = (self.data.source(folders).get("metadata") or {}).get(
            self.data.facts(folders).get("split_file")
        )
        return found


def _cycles(count: int) -> str:
    return "1 cycle" if count == 1 else f"{count} cycles"
