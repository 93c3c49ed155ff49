"""What the answers rest on: records, and the tables that lie there, each read once and only if it is asked for."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lineage import files
from lineage.project import Project
from models import file_names
from tasks import artifacts
from tasks.audio import front_end_rates
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.subsets.splits import Subset, assign

Row = dict[str, Any]

RECORDINGS, CYCLES, SOFT_LABELS, PREDICTIONS, METRICS, SCORES, SOURCE, FBANK, RAW = (
    path.as_posix()
    for path in (
        artifacts.RECORDINGS,
        artifacts.CYCLES,
        artifacts.SOFT_LABELS,
        artifacts.PREDICTIONS,
        artifacts.METRICS,
        artifacts.SCORES,
        artifacts.SOURCE,
        artifacts.FEATURE_CACHES,
        artifacts.RAW,
    )
)
SPLIT = ("labels", "split", "validation")


class Evidence:
    """A project's records and tables.

    Args:
        project: With its records.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.root = project.root
        self.row_of = cache(self._row_of)  # by front end

    def parameter(self, stage: str, key: str) -> Any:
        """Return a parameter as a stage has read it, or as params.yaml has it where the stage has no record.

        Raises:
            BreathlineError: Neither has it.
        """
        found = self.project.records.get(stage)
        if found is not None and key in found["params"]:
            return found["params"][key]
        return params.section(self._params, key)

    def table(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a Parquet table.

        Raises:
            BreathlineError: It is not there.
        """
        try:
            # Not read_table, which would look for pandas and import it.
            with pq.ParquetFile(self.root / path) as file:
                return file.read(columns)
        except FileNotFoundError as error:
            hint = f"`dvc pull`, or `dvc repro {self.project.maker(path)}`"
            raise BreathlineError("The answer rests on a table that is not there.", where=path, hint=hint) from error

    def json(self, path: str) -> dict[str, Any]:
        """Return what a JSON file holds; nothing where it is not there."""
        if not (self.root / path).exists():
            return {}
        loaded: dict[str, Any] = json.loads((self.root / path).read_text(encoding="utf-8"))
        return loaded

    def exists(self, path: str) -> bool:
        """Return whether something lies at a path."""
        return (self.root / path).exists()

    @cached_property
    def source(self) -> dict[str, Any]:
        """What `download` tells of where the recordings come from."""
        return self.json(SOURCE)

    @cached_property
    def recordings(self) -> dict[str, Row]:
        """The table of recordings, by `recording_id`."""
        return {row["recording_id"]: row for row in self.table(RECORDINGS).to_pylist()}

    @cached_property
    def cycles(self) -> dict[str, Row]:
        """The table of cycles, by `cycle_id`."""
        return {row["cycle_id"]: row for row in self._cycles.to_pylist()}

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
            found.setdefault(row["patient_id"], []).append(name)
        return found

    @cached_property
    def subsets(self) -> dict[str, Subset]:
        """The subset of each cycle of the split, as the stages have read labels, split and validation."""
        labels, split, validation = (self.parameter("evaluate", key) for key in SPLIT)
        return assign(
            self._cycles, labels=labels, split=split, fraction=validation["fraction"], seed=validation["seed"]
        )

    @property
    def front_ends(self) -> list[str]:
        """The front ends that features were made by."""
        return [stage.partition("@")[2] for stage in self.project.stages if stage.startswith("fbank@")]

    @cached_property
    def unfaded(self) -> list[int]:
        """The sample rates in Hz at which recordings kept their ends as they are."""
        return front_end_rates.unfaded(self.parameter("extract", "frontends"))

    @cached_property
    def judged(self) -> list[tuple[str, str]]:
        """Model and selection of all predictions, sorted."""
        if not self.exists(PREDICTIONS):
            return []
        named = self._predictions.select(["model", "selection"])
        return sorted(
            {(row["model"], row["selection"]) for row in named.group_by(named.column_names).aggregate([]).to_pylist()}
        )

    def predictions(self, cycles: Collection[str]) -> dict[tuple[str, str, str], Row]:
        """Return the predictions of some cycles by model, selection and cycle."""
        chosen = self._predictions.filter(pc.is_in(self._predictions["cycle_id"], pa.array(cycles, pa.string())))
        return {(row["model"], row["selection"], row["cycle_id"]): row for row in chosen.to_pylist()}

    def soft_label(self, cycle: str) -> Row | None:
        """Return the soft labels of a cycle and the logits that they were made of; none where it has none."""
        rows = self._soft_labels.filter(pc.equal(self._soft_labels["cycle_id"], cycle)).to_pylist()
        return rows[0] if rows else None

    def file(self, path: str) -> Row:
        """Return what a record says of a file: hashes and size, and the stage that made it."""
        return self._files.get(path, {})

    def made(self, path: str) -> bool:
        """Return whether a record names a file, or files in a folder, among what a stage made."""
        return path in self._files or any(file.startswith(f"{path}/") for file in self._files)

    @cached_property
    def _files(self) -> dict[str, Row]:
        return {
            path: file | {"stage": stage}
            for stage, found in self.project.records.items()
            for path, file in files.flat(found["outputs"]).items()
        }

    @cached_property
    def _params(self) -> Mapping[str, Any]:
        return params.read(self.root / "params.yaml")

    @cached_property
    def _cycles(self) -> pa.Table:
        return self.table(CYCLES)

    @cached_property
    def _predictions(self) -> pa.Table:
        return self.table(PREDICTIONS)

    @cached_property
    def _soft_labels(self) -> pa.Table:
        return self.table(SOFT_LABELS)

    def _row_of(self, front_end: str) -> dict[str, int]:
        """Return the row of each cycle in the features of a front end."""
        index = self.table(f"{FBANK}/{front_end}/{file_names.INDEX}")
        return dict(zip(index["cycle_id"].to_pylist(), index["row"].to_pylist(), strict=True))
