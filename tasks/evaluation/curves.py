"""Tables behind the plots: confusion, ROC, precision and recall, training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.metrics import precision_recall_curve, roc_curve

POINTS = 201  # of a curve; more are not seen
Values = npt.NDArray[np.float64]
NONE = np.zeros(1)
STUDENT = pl.col("model").str.starts_with("student/")


def confusion(predictions: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """Return the student's predictions as names of classes: `label`, `predicted`; all seeds together."""
    names = dict(enumerate(classes))
    return predictions.filter(STUDENT).select(
        pl.col(column).replace_strict(names, return_dtype=pl.String) for column in ("label", "predicted")
    )


def roc(predictions: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """Return the student's ROC of each class against the rest: `class`, `false_positive_rate`, `true_positive_rate`."""
    frames = [_curve("", ("false_positive_rate", NONE), ("true_positive_rate", NONE)).clear()]
    for name, truth, probability in _against_rest(predictions, classes):
        false_positive, true_positive, _ = roc_curve(truth, probability)
        frames.append(_curve(name, ("false_positive_rate", false_positive), ("true_positive_rate", true_positive)))
    return pl.concat(frames)


def precision_recall(predictions: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """Return the student's precision over recall of each class: `class`, `recall`, `precision`."""
    frames = [_curve("", ("recall", NONE), ("precision", NONE)).clear()]
    for name, truth, probability in _against_rest(predictions, classes):
        precision, recall, _ = precision_recall_curve(truth, probability)
        frames.append(_curve(name, ("recall", recall[::-1]), ("precision", precision[::-1])))
    return pl.concat(frames)


def training(folders: Sequence[tuple[str, Path]]) -> pl.DataFrame:
    """Return the histories of all models, with a column `model`."""
    frames = [
        pl.read_csv(folder / "history.csv").select(pl.lit(name).alias("model"), pl.all()) for name, folder in folders
    ]
    return pl.concat(frames, how="diagonal_relaxed").with_columns(pl.selectors.float().round(6))


def _against_rest(predictions: pl.DataFrame, classes: Sequence[str]) -> Iterator[tuple[str, Values, Values]]:
    """Yield name, truth and probability of each class that occurs and is not all there is; all seeds together."""
    student = predictions.filter(STUDENT)
    for at, name in enumerate(classes):
        truth = (student["label"] == at).to_numpy().astype(np.float64)
        if 0 < truth.mean() < 1:
            yield name, truth, student[f"p_{name}"].to_numpy().astype(np.float64)


def _curve(name: str, x: tuple[str, Values], y: tuple[str, Values]) -> pl.DataFrame:
    """Return a curve of a class on an even grid of its x."""
    grid = np.linspace(0, 1, POINTS)
    points = pl.DataFrame({x[0]: grid, y[0]: np.interp(grid, x[1], y[1])})
    return points.select(pl.lit(name).alias("class"), pl.all().round(5))
