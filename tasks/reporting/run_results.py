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
from models.file_reading import UnreadableFileError, reading
from models.training.feature_cache import FeatureCache
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.evaluation import cycles as test_cycles
from tasks.explanation.representatives import first_student
from tasks.reporting import verdicts
from tasks.reporting.verdicts import Verdicts
from tasks.runtime import corpus_facts
from tasks.runtime.artifact_reading import as_artifact_error, read_json, read_table
from tasks.runtime.corpus_facts import CorpusFacts
from tasks.runtime.params import natural

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
CACHE_HINT = "`dvc repro` makes the features again"
Samples = npt.NDArray[np.float32]
# Tables that the sections draw, and the columns that they need.
PLOTS = {
    "roc": ("model", "class", "false_positive_rate", "true_positive_rate"),
    "precision_recall": ("model", "class", "recall", "precision"),
    "training": ("model", "epoch", "train_loss", "val_score_strict"),
    "ensemble_size": ("k", "networks", "figure", "value", "low", "high"),
    "operating_points": ("model", "threshold", "sp", "se_strict", "se_lenient"),
    "decision_curve": ("model", "threshold_probability", "net_benefit"),
}


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
        return first_student(self.cards)

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
        parts = self.facts.parts or (self.facts,)
        return {part.name: verdicts.read(self.root, "training", part.name) for part in parts}

    @cached_property
    def external_verdicts(self) -> dict[str, Verdicts]:
        """Verdicts of the validation of each external corpus, by its name."""
        return {name: verdicts.read(self.root, "external", name) for name in self.metrics["external"]}

    def features(self, model: str, external: str | None = None) -> FeatureCache:
        """Return the feature caches that a model reads.

        Args:
            model: Name of the model.
            external: External corpus; None for all training corpora.

        Raises:
            BreathlineError: A file of a cache is missing or damaged.
        """
        frontend = self.cards[model]["frontend"]
        folder = CorpusFolders("external", external).features(frontend) if external else None
        with as_artifact_error(CACHE_HINT):
            return FeatureCache(self.root / (folder or artifacts.FEATURE_CACHES / frontend))

    def waveforms(self, cycles: Sequence[str], rate: int) -> dict[str, Samples]:
        """Return the waveforms ``(samples,)`` of test cycles by their id.

        Args:
            cycles: Ids of the cycles.
            rate: Sample rate in Hz: that of a front end of the run.

        Raises:
            BreathlineError: A table of waveforms is missing or damaged, or lacks a cycle.
        """
        found: dict[str, Samples] = {}
        wanted = self.cycles.filter(pl.col("cycle_id").is_in(list(cycles)))
        for (corpus,), own in wanted.group_by("corpus", maintain_order=True):
            path = self.root / CorpusFolders("training", str(corpus)).waveforms / f"{rate}.parquet"
            found |= _waveforms(path, own["cycle_id"].to_list())
        return found


@as_artifact_error(CACHE_HINT)
def mel(features: FeatureCache, cycle: str) -> npt.NDArray[np.float32]:
    """Return the features ``(frames, mels)`` of a cycle.

    Raises:
        BreathlineError: The cache has no features of the cycle.
    """
    return np.asarray(features.read(features.find([cycle]))[0], dtype=np.float32)


def read(root: Path, provenance: Mapping[str, Any]) -> RunResults:
    """Return the results of a project.

    Args:
        root: Folder of the project.
        provenance: Origin of the figures.

    Raises:
        BreathlineError: A result is missing or damaged.
    """
    metrics = read_json(root / artifacts.METRICS)
    folders = {f"teacher/{name}": artifacts.TEACHERS / name for name in sorted(metrics["teachers"], key=natural)}
    folders |= {f"student/{name}": artifacts.STUDENTS / name for name in sorted(metrics["students"], key=natural)}
    return RunResults(
        metrics=metrics,
        plots={name: read_plot(root / artifacts.PLOTS / f"{name}.csv") for name in PLOTS},
        cards={name: read_card(root / folder) for name, folder in folders.items()},
        facts=corpus_facts.read(root / artifacts.POOL),
        provenance=provenance,
        root=root,
    )


def read_card(folder: Path) -> dict[str, Any]:
    """Return the contents of a model's ``model.json``, with all that sections show."""
    return read_json(folder / CARD, CARD_KEYS)


@as_artifact_error()
def _waveforms(path: Path, cycles: Sequence[str]) -> dict[str, Samples]:
    """Return waveforms of some cycles of one file by id; the others are not read into memory."""
    found = {}
    with reading(path, "Parquet"):
        table = dataset(path).to_table(filter=pc.is_in(pc.field("cycle_id"), pa.array(cycles)))
        for cycle, samples in zip(table["cycle_id"].to_pylist(), table["samples"], strict=True):
            found[cycle] = samples.values.to_numpy(zero_copy_only=False)
    if missing := set(cycles) - found.keys():
        raise UnreadableFileError(path, f"it has no waveform of {len(missing)} cycles, such as {min(missing)}")
    return found


@as_artifact_error()
def read_plot(path: Path) -> pl.DataFrame:
    """Return the table of one plot. A column of undefined numbers is empty in CSV and has no type."""
    with reading(path, "CSV"):
        table = pl.read_csv(path, infer_schema_length=None)
    if missing := [name for name in PLOTS[path.stem] if name not in table.columns]:
        raise UnreadableFileError(path, f"the table has no column {', '.join(missing)}")
    undefined = [name for name in table.columns if table.height and table[name].null_count() == table.height]
    return table.with_columns(pl.col(undefined).cast(pl.Float64))
