"""Records and tables of a project, each read once and only when needed."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage import corpora, events, files
from lineage.project import Project
from lineage.trace.table_rows import Row, RowsByCycle, RowsById, distinct
from models import file_names
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.audio import front_end_rates
from tasks.corpora import registry
from tasks.runtime import params
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    import pyarrow as pa


class ProjectData:
    """Records and tables of a project.

    Rows of external corpora have qualified ids (`lineage.corpora.qualified`), so that no two rows share one.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.root = project.root
        self.corpora = {corpus.name: corpus for corpus in project.corpora}
        self.row_of = cache(self._row_of)  # by corpus and front end
        self.source = cache(self._source)  # by corpus
        self.facts = cache(self._facts)  # by corpus

    def parameter(self, stage: str, key: str) -> Any:
        """Return a parameter from a stage's record, or from params.yaml where the record does not have it.

        Raises:
            BreathlineError: Neither has the parameter.
        """
        found = self.project.records.get(stage)
        if found is not None and key in found["params"]:
            return found["params"][key]
        return params.section(self._params, key)

    def decisions(self, stage: str) -> Mapping[str, Any]:
        """Return the decisions in a stage's record.

        Raises:
            BreathlineError: The record is from a version of Breathline that recorded no decisions.
        """
        found: Mapping[str, Any] | None = self.project.records[stage].get("decisions")
        if found is None:
            hint = f"`dvc repro --force {stage}`, or use the version of Breathline that wrote it"
            raise BreathlineError(f"The record of {stage} has no decisions.", where="data/lineage", hint=hint)
        return found

    def decision(self, stage: str, key: str) -> Any:
        """Return a list among the decisions of a stage; empty if the stage has no record."""
        return self.decisions(stage)[key] if stage in self.project.records else []

    def table(self, path: Path, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a Parquet table."""
        return read_table(self.root / path, columns)

    def json(self, path: Path | str) -> dict[str, Any]:
        """Return the value of a JSON file; empty if the file is missing."""
        return read_json(self.root / path) if self.exists(path) else {}

    def exists(self, path: Path | str) -> bool:
        """Return whether a path exists in the project."""
        return (self.root / path).exists()

    @cached_property
    def external(self) -> list[CorpusFolders]:
        """The corpora that are only tested on."""
        return [corpus for corpus in self.corpora.values() if corpus.role == "external"]

    @cached_property
    def training(self) -> list[CorpusFolders]:
        """The corpora to learn from."""
        return [corpus for corpus in self.corpora.values() if corpus.role == "training"]

    @cached_property
    def recordings(self) -> RowsById:
        """The recordings of all corpora, by `recording_id`."""
        return self._rows(artifacts.RECORDINGS, "recording_id")

    @cached_property
    def cycles(self) -> RowsById:
        """The cycles of all corpora, by `cycle_id`."""
        return self._rows(artifacts.CYCLES, "cycle_id")

    def corpus_of_cycle(self, cycle: str) -> CorpusFolders:
        """Return the corpus of a cycle."""
        return self.corpora[self.cycles.values_of("corpus")[cycle]]

    def corpus_of_recording(self, recording: str) -> CorpusFolders:
        """Return the corpus of a recording."""
        return self.corpora[self.recordings.values_of("corpus")[recording]]

    def audio_of(self, recording: str) -> str:
        """Return the path of a recording's audio file; a wav file without a record."""
        corpus, digests = self.corpus_of_recording(recording), self.recordings.values_of("recording_sha256")
        path = f"{self._audio_folders[corpus.name]}/{corpora.unqualified(corpus, recording)}"
        return self._audio.get((path, digests[recording]), f"{path}.wav")

    @cached_property
    def cycles_of(self) -> dict[str, list[str]]:
        """The cycles of each recording."""
        found: dict[str, list[str]] = {name: [] for name in self.recordings}
        for cycle, recording in self.cycles.values_of("recording_id").items():
            found[recording].append(cycle)
        return found

    @cached_property
    def recordings_of(self) -> dict[str, list[str]]:
        """The recordings of each patient."""
        found: dict[str, list[str]] = {}
        for name, patient in self.recordings.values_of("patient_id").items():
            found.setdefault(str(patient), []).append(name)
        return found

    @cached_property
    def subsets(self) -> dict[str, str]:
        """The subset of each cycle: a decision of the stages, or the assignment by params.yaml before they ran.

        The tested cycles of an external corpus form a subset of its own, such as ``external hospital``.
        """
        tested = {cycle: external_set(name) for name, cycles in self.tested.items() for cycle in cycles}
        for stage in ("evaluate", *self.project.records):
            decided = self.decisions(stage) if stage in self.project.records else {}
            # The subsets of a teacher of a fold lack this fold.
            if "subsets" in decided and not decided.get("held_out"):
                return {cycle: name for name, cycles in decided["subsets"].items() for cycle in cycles} | tested
        from tasks.subsets import assignment  # with all that reads tables

        return dict(assignment.from_params(self._params, self.root / artifacts.CYCLES).subsets) | tested

    @property
    def front_ends(self) -> list[str]:
        """The front ends that have features."""
        found = (artifacts.corpus_of(stage) for stage in self.project.stages)
        return list(dict.fromkeys(front_end for _, _, front_end in filter(None, found) if front_end))

    def unfaded(self, corpus: CorpusFolders) -> list[int]:
        """Return the sample rates in Hz at which the recordings of a corpus are not faded."""
        return front_end_rates.unfaded(self.parameter(corpus.stage("extract"), "frontends"))

    def is_tested(self, cycle: str) -> bool:
        """Return whether models are tested on a cycle, in its own corpus or as external data."""
        subset = self.subsets.get(cycle)
        return subset is not None and subset not in ("train", "val")

    @cached_property
    def predicted_models(self) -> list[tuple[str, str]]:
        """Model and selection of all predictions, sorted."""
        if not self.exists(artifacts.PREDICTIONS):
            return []
        return sorted(distinct(self._predictions, "model", "selection"))

    @cached_property
    def tested(self) -> dict[str, list[str]]:
        """The cycles of each external corpus that have predictions, sorted, by the name of the corpus."""
        found: dict[str, list[str]] = {}
        table = self._external_predictions
        for name, cycle in distinct(table, "corpus", "cycle_id") if table is not None else ():
            if name in self.corpora:
                found.setdefault(name, []).append(corpora.qualified(self.corpora[name], cycle))
        return {name: sorted(cycles) for name, cycles in sorted(found.items())}

    def predictions(self, cycles: Collection[str]) -> dict[tuple[str, str, str], Row]:
        """Return the predictions of some cycles by model, selection and cycle."""
        found: dict[tuple[str, str, str], Row] = {}
        own = {corpora.unqualified(self.corpus_of_cycle(cycle), cycle) for cycle in cycles}
        for row in (row for table in self._predicted for row in table.rows(own)):
            cycle = corpora.qualified(self.corpora[row["corpus"]], row["cycle_id"])
            found[row["model"], row["selection"], cycle] = row
        return found

    def soft_label(self, cycle: str) -> Row:
        """Return the soft labels of a cycle and their teachers' logits; empty if the cycle has none."""
        return next(iter(self._soft_labels.rows([cycle])), {})

    def file(self, path: Path | str) -> Row:
        """Return the recorded hashes and size of a file, and its stage; empty without a record of the file."""
        return self._files.get(str(path), {})

    def annotation_of(self, recording: str) -> str:
        """Return the path of a recording's annotation: the file beside the wav file, or ``.txt`` without a record.

        Without annotations, it is the audio file, whose name tells the label.
        """
        audio = self.audio_of(recording)
        if not self.recordings.values_of("annotation_sha256")[recording]:
            return audio
        return self._annotations.get(recording, str(Path(audio).with_suffix(".txt")))

    def lines_are_cycles(self, recording: str) -> bool:
        """Return whether each line of the recording's annotation is a cycle, by the format of its corpus."""
        facts = self.root / self.corpus_of_recording(recording).tables / artifacts.CORPUS.name
        return registry.get(read_json(facts, {"format": str})["format"]).lines_are_cycles

    def is_recorded(self, path: str) -> bool:
        """Return whether a path is a recorded out, or a folder with recorded outs."""
        return path in self._files or any(file.startswith(f"{path}/") for file in self._files)

    @cached_property
    def _files(self) -> dict[str, Row]:
        return {
            path: file | {"stage": stage}
            for stage, found in self.project.records.items()
            for path, file in files.by_path(found["outputs"]).items()
        }

    @cached_property
    def _audio(self) -> dict[tuple[str, str], str]:
        """The paths of the recorded files of recordings, by their path without suffix and their SHA-256."""
        return {(os.path.splitext(path)[0], self._files[path]["sha256"]): path for path, _, _ in self._in_audio()}

    @cached_property
    def _annotations(self) -> dict[str, str]:
        named = ((self._annotated(corpus, name), path) for path, corpus, name in self._in_audio())
        return {name: path for name, path in named if name not in self.recordings or path != self.audio_of(name)}

    def _in_audio(self) -> Iterator[tuple[str, CorpusFolders, str]]:
        """Yield path, corpus and name of each recorded file beside the recordings, of which there are thousands."""
        corpus_of = {self._audio_folders[corpus.name]: corpus for corpus in self.corpora.values()}
        for path in self._files:
            folder, _, name = path.rpartition("/")
            if folder in corpus_of:
                yield path, corpus_of[folder], name

    @cached_property
    def _audio_folders(self) -> dict[str, str]:
        """The folder of the recordings of each corpus, by its name."""
        return {corpus.name: (corpus.raw / artifacts.AUDIO).as_posix() for corpus in self.corpora.values()}

    @cached_property
    def log(self) -> events.Log:
        """The event log with its faults, read once."""
        return events.load(self.root)

    def _annotated(self, corpus: CorpusFolders, file: str) -> str:
        """Return the recording whose name an annotation's name begins with."""
        beginnings = (corpora.qualified(corpus, file[:end]) for end in range(len(file), 0, -1))
        return next((name for name in beginnings if name in self.recordings), file)

    @cached_property
    def _params(self) -> Mapping[str, Any]:
        return params.read(self.root / "params.yaml")

    @cached_property
    def _predictions(self) -> pa.Table:
        return self.table(artifacts.PREDICTIONS)

    @cached_property
    def _external_predictions(self) -> pa.Table | None:
        """The predictions for external corpora; None without any."""
        path = artifacts.EXTERNAL_PREDICTIONS
        return self.table(path) if self.external and self.exists(path) else None

    @cached_property
    def _predicted(self) -> list[RowsByCycle]:
        tables = (self._predictions, self._external_predictions)
        return [RowsByCycle(table) for table in tables if table is not None]

    @cached_property
    def _soft_labels(self) -> RowsByCycle:
        return RowsByCycle(self.table(artifacts.SOFT_LABELS))

    def _source(self, corpus: CorpusFolders) -> dict[str, Any]:
        """Return the facts of a corpus's source that `download` wrote."""
        return self.json(corpus.raw / artifacts.SOURCE)

    def _facts(self, corpus: CorpusFolders) -> dict[str, Any]:
        """Return the facts of a corpus that `extract` wrote."""
        return self.json(corpus.tables / artifacts.CORPUS.name)

    def _rows(self, table: Path, key: str) -> RowsById:
        """Return the rows of a table of all corpora by id; an external corpus that is not extracted has none."""
        paths = {corpus: corpus.tables / table.name for corpus in self.external}
        external = [(self.table(path), corpus) for corpus, path in paths.items() if self.exists(path)]
        return RowsById(key, [(self.table(table), None), *external])

    def _row_of(self, corpus: CorpusFolders, front_end: str) -> dict[str, int]:
        """Return the row of each cycle of a corpus in the features of a front end."""
        index = self.table(corpus.features(front_end) / file_names.INDEX)
        ids = (corpora.qualified(corpus, cycle) for cycle in index["cycle_id"].to_pylist())
        return dict(zip(ids, index["row"].to_pylist(), strict=True))


def external_set(corpus: str) -> str:
    """Return the name of the set of tested cycles of an external corpus."""
    return f"external {corpus}"
