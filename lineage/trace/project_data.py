"""Records and tables of a project, each read once and only when needed."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lineage import files
from lineage.project import Project
from models import file_names
from tasks import artifacts
from tasks.audio import front_end_rates
from tasks.runtime import params
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.errors import BreathlineError
from tasks.subsets import assignment

Row = dict[str, Any]


class ProjectData:
    """Records and tables of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.root = project.root
        self.row_of = cache(self._row_of)  # by front end

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
    def source(self) -> dict[str, Any]:
        """The facts of the source that `download` wrote."""
        return self.json(artifacts.SOURCE)

    @cached_property
    def corpus(self) -> dict[str, Any]:
        """The facts of the corpus that `extract` wrote."""
        return self.json(artifacts.CORPUS)

    @cached_property
    def recordings(self) -> dict[str, Row]:
        """The table of recordings, by `recording_id`."""
        return {row["recording_id"]: row for row in self.table(artifacts.RECORDINGS).to_pylist()}

    @cached_property
    def cycles(self) -> dict[str, Row]:
        """The table of cycles, by `cycle_id`."""
        return {row["cycle_id"]: row for row in self.table(artifacts.CYCLES).to_pylist()}

    @cached_property
    def cycles_of(self) -> dict[str, list[str]]:
        """The cycles of each recording."""
        found: dict[str, list[str]] = {name: [] for name in self.recordings}
        for cycle, row in self.cycles.items():
            found[row["recording_id"]].append(cycle)
        return found

    @cached_property
    def recordings_of(self) -> dict[str, list[str]]:
        """The recordings of each patient."""
        found: dict[str, list[str]] = {}
        for name, row in self.recordings.items():
            found.setdefault(str(row["patient_id"]), []).append(name)
        return found

    @cached_property
    def subsets(self) -> dict[str, str]:
        """The subset of each cycle: a decision of the stages, or the assignment by params.yaml before they ran."""
        for stage in ("evaluate", *self.project.records):
            decided = self.decisions(stage) if stage in self.project.records else {}
            # The subsets of a teacher of a fold lack this fold.
            if "subsets" in decided and not decided.get("held_out"):
                return {cycle: name for name, cycles in decided["subsets"].items() for cycle in cycles}
        return dict(assignment.from_params(self._params, self.root / artifacts.CYCLES).subsets)

    @property
    def front_ends(self) -> list[str]:
        """The front ends that have features."""
        return [stage.partition("@")[2] for stage in self.project.stages if stage.startswith("fbank@")]

    @cached_property
    def unfaded(self) -> list[int]:
        """The sample rates in Hz at which recordings are not faded."""
        return front_end_rates.unfaded(self.parameter("extract", "frontends"))

    @cached_property
    def predicted_models(self) -> list[tuple[str, str]]:
        """Model and selection of all predictions, sorted."""
        if not self.exists(artifacts.PREDICTIONS):
            return []
        named = self._predictions.select(["model", "selection"])
        rows = named.group_by(named.column_names).aggregate([]).to_pylist()
        return sorted({(row["model"], row["selection"]) for row in rows})

    def predictions(self, cycles: Collection[str]) -> dict[tuple[str, str, str], Row]:
        """Return the predictions of some cycles by model, selection and cycle."""
        chosen = self._predictions.filter(pc.is_in(self._predictions["cycle_id"], pa.array(cycles, pa.string())))
        return {(row["model"], row["selection"], row["cycle_id"]): row for row in chosen.to_pylist()}

    def soft_label(self, cycle: str) -> Row:
        """Return the soft labels of a cycle and their teachers' logits; empty if the cycle has none."""
        rows: list[Row] = self._soft_labels.filter(pc.equal(self._soft_labels["cycle_id"], cycle)).to_pylist()
        return rows[0] if rows else {}

    def file(self, path: Path | str) -> Row:
        """Return the recorded hashes and size of a file, and its stage; empty without a record of the file."""
        return self._files.get(str(path), {})

    def annotation_of(self, recording: str) -> str:
        """Return the path of a recording's annotation: the file beside the wav file, or ``.txt`` without a record.

        Without annotations, it is the wav file, whose name tells the label.
        """
        suffix = "txt" if self.recordings[recording]["annotation_sha256"] else "wav"
        return self._annotations.get(recording, f"{artifacts.RAW_AUDIO}/{recording}.{suffix}")

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
    def _annotations(self) -> dict[str, str]:
        beside = (path for path in map(Path, self._files) if path.parent == artifacts.RAW_AUDIO)
        return {self._annotated(path.name): str(path) for path in beside if path.suffix != ".wav"}

    def _annotated(self, file: str) -> str:
        """Return the recording whose name an annotation's name begins with."""
        beginnings = (file[:end] for end in range(len(file), 0, -1))
        return next((name for name in beginnings if name in self.recordings), file)

    @cached_property
    def _params(self) -> Mapping[str, Any]:
        return params.read(self.root / "params.yaml")

    @cached_property
    def _predictions(self) -> pa.Table:
        return self.table(artifacts.PREDICTIONS)

    @cached_property
    def _soft_labels(self) -> pa.Table:
        return self.table(artifacts.SOFT_LABELS)

    def _row_of(self, front_end: str) -> dict[str, int]:
        """Return the row of each cycle in the features of a front end."""
        index = self.table(artifacts.FEATURE_CACHES / front_end / file_names.INDEX)
        return dict(zip(index["cycle_id"].to_pylist(), index["row"].to_pylist(), strict=True))
