"""Results of a run: all that the sections of the report may read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.dataset import dataset

from models.file_names import CARD
from models.file_reading import reading
from models.training.features import Features
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.evaluation import cycles as test_cycles
from tasks.reporting import verdicts
from tasks.reporting.verdicts import Verdicts
from tasks.runtime import corpus_facts
from tasks.runtime.artifact_reading import as_artifact_error, read_json, read_table
from tasks.runtime.corpus_facts import CorpusFacts

# Keys of ``model.json`` that sections show, and the type of each.
CARD_KEYS = {
    "architecture": str,
    "options": dict,
    "frontend": str,
    "weights": str,
    "parameters": int,
    "seed": int,
    "selections.val.epoch": int,
}
Samples = npt.NDArray[np.float32]
# Tables that the sections draw.
PLOTS = ("roc", "precision_recall", "training", "ensemble_size", "operating_points", "decision_curve")


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """Figures, predictions and models of one run.

    Attributes:
        metrics: Contents of ``reports/metrics.json`` (`tasks.evaluation.summary`).
        plots: Tables of ``reports/plots`` by name.
        cards: Contents of each model's ``model.json``, by its name such as ``student/1``.
        facts: Facts of the training corpora.
        provenance: Origin of the figures (`tasks.runtime.hooks`); empty if it was not recorded.
        root: Folder of the project, for tables that are read when a section asks for them.
    """

    metrics: Mapping[str, Any]
    plots: Mapping[str, pl.DataFrame]
    cards: Mapping[str, Mapping[str, Any]]
    facts: CorpusFacts
    provenance: Mapping[str, Any] = field(default_factory=dict)
    root: Path = Path()

    @property
    def confidence(self) -> str:
        """Confidence of the intervals in percent."""
        return f"{100 * self.metrics['interval']['confidence']:g}"

    @property
    def first_student(self) -> str:
        """Name of the first student, whose test cycles are shown."""
        return next(name for name in self.cards if name.startswith("student/"))

    @cached_property
    def explanation(self) -> Mapping[str, Any]:
        """Contents of ``reports/explanation.json``."""
        found: dict[str, Any] = read_json(self.root / artifacts.EXPLANATION)
        return found

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """Table of predictions of all models (`tasks.evaluation.predictions`)."""
        return pl.DataFrame(read_table(self.root / artifacts.PREDICTIONS))

    @cached_property
    def cycles(self) -> pl.DataFrame:
        """Test cycles with the columns by which results are grouped (`tasks.evaluation.cycles`)."""
        return test_cycles.read(
            self.root / artifacts.CYCLES,
            self.root / artifacts.RECORDINGS,
            ids=self.predictions["cycle_id"].unique().to_list(),
            labels=self.metrics["labels"],
            groups=[group.column for group in self.facts.group_columns],
        )

    @cached_property
    def verdicts(self) -> dict[str, Verdicts]:
        """Verdicts of the validation of each training corpus, by its name."""
        return {part.name: verdicts.read(self.root, part.name) for part in self.facts.parts or (self.facts,)}

    def features(self, model: str) -> Features:
        """Return the feature caches of the training corpora that a model reads."""
        return Features(self.root / artifacts.FEATURE_CACHES / self.cards[model]["frontend"])

    def waveforms(self, cycles: Sequence[str]) -> dict[str, tuple[Samples, int]]:
        """Return waveform ``(samples,)`` and sample rate in Hz of cycles by their id, at the lowest rate there is."""
        found: dict[str, tuple[Samples, int]] = {}
        for folder in sorted((self.root / CorpusFolders("training", "*").waveforms.parent).glob("*")):
            files = sorted(folder.glob("*.parquet"), key=lambda path: int(path.stem))
            for path in files[:1]:
                for cycle, samples in _rows_of(path, cycles):
                    found[cycle] = samples, int(path.stem)
        return found


def read(root: Path, provenance: Mapping[str, Any]) -> RunResults:
    """Return the results of a project.

    Args:
        root: Folder of the project.
        provenance: Origin of the figures.

    Raises:
        BreathlineError: A result is missing or damaged.
    """
    metrics = read_json(root / artifacts.METRICS)
    folders = {f"teacher/{name}": artifacts.TEACHERS / name for name in metrics["teachers"]}
    folders |= {f"student/{name}": artifacts.STUDENTS / name for name in metrics["students"]}
    return RunResults(
        metrics=metrics,
        plots={name: _plot(root / artifacts.PLOTS / f"{name}.csv") for name in PLOTS},
        cards={name: read_card(root / folder) for name, folder in folders.items()},
        facts=corpus_facts.read(root / artifacts.POOL),
        provenance=provenance,
        root=root,
    )


def read_card(folder: Path) -> dict[str, Any]:
    """Return the contents of a model's ``model.json``, with all that sections show."""
    return read_json(folder / CARD, CARD_KEYS)


@as_artifact_error()
def _rows_of(path: Path, cycles: Sequence[str]) -> list[tuple[str, Samples]]:
    """Return ids and waveforms of some cycles of one file; the others are not read into memory."""
    with reading(path, "Parquet"):
        table = dataset(path).to_table(filter=pc.is_in(pc.field("cycle_id"), pa.array(cycles)))
    rows = zip(table["cycle_id"].to_pylist(), table["samples"], strict=True)
    return [(cycle, samples.values.to_numpy(zero_copy_only=False)) for cycle, samples in rows]


@as_artifact_error()
def _plot(path: Path) -> pl.DataFrame:
    """Return the table of one plot. A column of undefined numbers is empty in CSV and has no type."""
    with reading(path, "CSV"):
        table = pl.read_csv(path, infer_schema_length=None)
    undefined = [name for name in table.columns if table.height and table[name].null_count() == table.height]
    return table.with_columns(pl.col(undefined).cast(pl.Float64))
