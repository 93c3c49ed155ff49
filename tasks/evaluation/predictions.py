"""Predictions on the test cycles, and the schema of ``data/evaluation/predictions.parquet``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from models.decision_rules import Chosen, DecisionRule

Probabilities = npt.NDArray[np.float32]
# Columns of every table of predictions, before the probabilities; `label` and `predicted` are class indices.
COLUMNS = {
    **dict.fromkeys(("model", "selection", "corpus", "cycle_id", "recording_id", "patient_id"), pa.string()),
    **dict.fromkeys(("label", "predicted"), pa.int8()),
}


@dataclass(frozen=True)
class Predictions:
    """The predictions of a model on the test cycles, once for each of its runs (seeds).

    Attributes:
        model: ``student/<seed>``, ``teacher/<id>``, ``ensemble``, or ``student`` for its seeds together.
        selection: The way in which the epoch was chosen: `val` or `paper`.
        probabilities: The probabilities ``(runs, cycles, classes)``, float32, the cycles sorted by `cycle_id`.
        rules: The decision rule of each run; one rule counts for all runs.
    """

    model: str
    selection: str
    probabilities: Probabilities
    rules: tuple[DecisionRule, ...] = (DecisionRule(),)

    def __post_init__(self) -> None:
        if len(self.rules) == 1:
            object.__setattr__(self, "rules", self.rules * len(self.probabilities))

    def select(self, cycles: npt.NDArray[np.bool_]) -> "Predictions":
        """Return the predictions on some of the cycles, by their mask."""
        return replace(self, probabilities=self.probabilities[:, cycles])

    def with_threshold(self, chosen: Chosen | None) -> "Predictions":
        """Return a copy with the threshold of a Score as the rule of each run; None for the most probable class."""
        return replace(self, rules=tuple(rule.with_threshold(chosen) for rule in self.rules))

    def single_runs(self) -> list["Predictions"]:
        """Return the predictions of each run."""
        pairs = zip(self.probabilities, self.rules, strict=True)
        return [replace(self, probabilities=run[np.newaxis], rules=(rule,)) for run, rule in pairs]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """Return the class ``(runs, cycles)`` that the rules give."""
        return np.stack([rule.predict(run) for rule, run in zip(self.rules, self.probabilities, strict=True)])


def pool(model: str, parts: Sequence[Predictions]) -> Predictions:
    """Return the runs of several predictions of one selection as those of one model."""
    return Predictions(
        model,
        parts[0].selection,
        np.concatenate([part.probabilities for part in parts]),
        tuple(rule for part in parts for rule in part.rules),
    )


def schema(classes: Sequence[str]) -> pa.Schema:
    """Return the schema of the table of predictions."""
    return pa.schema({**COLUMNS, **{f"p_{name}": pa.float32() for name in classes}})


def table(predictions: Sequence[Predictions], cycles: pl.DataFrame, classes: Sequence[str]) -> pa.Table:
    """Return the table of predictions, sorted by model, selection and cycle.

    Args:
        predictions: The predictions of single runs.
        cycles: The test cycles (`tasks.evaluation.cycles`), in the order of the probabilities.
        classes: The names of the classes.
    """
    keys = cycles.select("corpus", "cycle_id", "recording_id", "patient_id", "label")
    parts = [
        keys.with_columns(
            pl.lit(part.model).alias("model"),
            pl.lit(part.selection).alias("selection"),
            pl.Series("predicted", part.predicted[0]),
            *[pl.Series(f"p_{name}", part.probabilities[0, :, index]) for index, name in enumerate(classes)],
        )
        for part in predictions
    ]
    columns = schema(classes)
    frame = pl.concat(parts).select(columns.names).sort("model", "selection", "cycle_id")
    return frame.to_arrow().cast(columns)
