"""Tables of ROC and precision–recall curves on a fixed grid, and of training histories."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from models import file_names
from models.file_reading import UnreadableFileError, reading
from tasks.evaluation.predictions import Predictions, Probabilities
from tasks.runtime.artifact_reading import as_artifact_error

# Small enough for plots in Git; one grid for all runs, so that they can be averaged. As quotients, so that 0.7 of the
# grid is the recall of 7 out of 10: np.linspace gives 0.7000000000000001.
GRID = np.arange(101) / 100
HISTORY_COLUMNS = ("epoch", "train_loss", "val_score_strict")  # columns that the report draws
Array = npt.NDArray[np.float64]
Curve = Callable[[npt.NDArray[np.bool_], Probabilities], Array]


def areas(positive: npt.NDArray[np.bool_], probability: Probabilities) -> tuple[float, float]:
    """Return the area under the ROC curve and the average precision, each as a mean over runs.

    Both are NaN where a class has no cycles, or all of them.

    Args:
        positive: The mask of the cycles of the class ``(cycles,)``.
        probability: The predicted probability of the class ``(runs, cycles)``.
    """
    if positive.all() or not positive.any():
        return float("nan"), float("nan")
    return (
        float(np.mean([roc_auc_score(positive, run) for run in probability])),
        float(np.mean([average_precision_score(positive, run) for run in probability])),
    )


def roc(positive: npt.NDArray[np.bool_], probability: Probabilities) -> Array:
    """Return the true positive rate at each false positive rate in `GRID`, as a mean over runs.

    Args:
        positive: Mask ``(cycles,)`` of the cycles of the class.
        probability: Predicted probability of the class ``(runs, cycles)``.
    """
    rates = []
    for run in probability:
        false, true, _ = roc_curve(positive, run, drop_intermediate=False)
        rates.append(true[np.searchsorted(false, GRID, side="right") - 1])
    return np.asarray(np.mean(rates, axis=0))


def precision_recall(positive: npt.NDArray[np.bool_], probability: Probabilities) -> Array:
    """Return the best precision with at least each recall in `GRID`, as a mean over runs.

    Args:
        positive: Mask ``(cycles,)`` of the cycles of the class.
        probability: Predicted probability of the class ``(runs, cycles)``.
    """
    precisions = []
    for run in probability:
        precision, recall, _ = precision_recall_curve(positive, run)
        best = np.maximum.accumulate(precision)  # recall decreases along the curve
        precisions.append(best[len(recall) - 1 - np.searchsorted(recall[::-1], GRID, side="left")])
    return np.asarray(np.mean(precisions, axis=0))


def roc_table(models: Sequence[Predictions], labels: npt.NDArray[Any], classes: Sequence[str]) -> pl.DataFrame:
    """Return the ROC curves: `model`, `class`, `false_positive_rate`, `true_positive_rate`."""
    return _table(models, labels, classes, roc, x="false_positive_rate", y="true_positive_rate")


def precision_recall_table(
    models: Sequence[Predictions], labels: npt.NDArray[Any], classes: Sequence[str]
) -> pl.DataFrame:
    """Return the precision–recall curves: `model`, `class`, `recall`, `precision`."""
    return _table(models, labels, classes, precision_recall, x="recall", y="precision")


def _table(
    models: Sequence[Predictions], labels: npt.NDArray[Any], classes: Sequence[str], curve: Curve, *, x: str, y: str
) -> pl.DataFrame:
    """Return the curves of all classes with both positive and negative cycles, one class against the rest."""
    parts = [
        pl.DataFrame({x: GRID, y: curve(labels == index, model.probabilities[:, :, index])}).select(
            pl.lit(model.model).alias("model"), pl.lit(name).alias("class"), pl.col(x).round(4), pl.col(y).round(4)
        )
        for model in models
        for index, name in enumerate(classes)
        if 0 < (labels == index).sum() < len(labels)
    ]
    empty = pl.DataFrame(schema={"model": pl.String, "class": pl.String, x: pl.Float64, y: pl.Float64})
    return pl.concat([empty, *parts])


def confusion_table(model: Predictions, labels: npt.NDArray[Any], classes: Sequence[str]) -> pl.DataFrame:
    """Return the `actual` and `predicted` class of every cycle in every run, which DVC's confusion template counts."""
    names = np.array(classes)
    runs, _ = model.predicted.shape
    return pl.DataFrame(
        {"actual": np.tile(names[labels], runs), "predicted": names[model.predicted.ravel()]}
    ).sort("actual", "predicted")  # fmt: skip


def training_table(folders: Mapping[str, Path]) -> pl.DataFrame:
    """Return the histories of several trainings below each other, with the column `model` in front."""
    parts = [
        _history(folder / file_names.HISTORY).select(
            pl.lit(name).alias("model"), pl.all().cast(pl.Float64, strict=False).round(6)
        )
        for name, folder in folders.items()
    ]
    return pl.concat(parts).with_columns(pl.col("epoch").cast(pl.Int64))


@as_artifact_error()
def _history(path: Path) -> pl.DataFrame:
    """Return the history of one training."""
    with reading(path, "CSV"):
        history = pl.read_csv(path, schema_overrides={"epoch": pl.Float64})
    if missing := [name for name in HISTORY_COLUMNS if name not in history.columns]:
        raise UnreadableFileError(path, f"the table has no column {', '.join(missing)}")
    return history
