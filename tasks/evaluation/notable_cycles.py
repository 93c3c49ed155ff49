"""Choice of test cycles to look at: errors, doubtful and clear cases of one model."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

UNCERTAIN, DEVICES = 4, 6  # most uncertain cycles, and devices of which an error is shown

Rows = Sequence[int]
Probabilities = npt.NDArray[np.float32]


def choose(predictions: pl.DataFrame, cycles: pl.DataFrame, model: str) -> tuple[pl.DataFrame, list[tuple[str, Rows]]]:
    """Return the predictions of a model, sorted by `cycle_id`, and headings with row numbers of its notable cycles.

    Args:
        predictions: Table of predictions of all models (`tasks.evaluation.predictions`).
        cycles: Table of the test cycles (`tasks.evaluation.cycles`).
        model: Name of the model.
    """
    own = predictions.filter((pl.col("model") == model) & (pl.col("selection") == "val")).sort("cycle_id")
    labels, predicted = (own[column].to_numpy().astype(np.int64) for column in ("label", "predicted"))
    devices = cycles["device"].to_list() if "device" in cycles.columns else [""] * len(labels)
    return own, [(title, rows) for title, rows in select(labels, predicted, probabilities(own), devices) if rows]


def probabilities(predictions: pl.DataFrame) -> Probabilities:
    """Return the probabilities ``(cycles, classes)`` of a table of predictions."""
    return predictions.select(pl.col("^p_.*$")).to_numpy()


def select(
    labels: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    probabilities: Probabilities,
    devices: Sequence[str],
) -> Iterator[tuple[str, Rows]]:
    """Yield headings and row numbers of cycles; each cycle is shown once.

    Args:
        labels: The class of each cycle ``(cycles,)``.
        predicted: The predicted class of each cycle ``(cycles,)``.
        probabilities: The probabilities ``(cycles, classes)``.
        devices: The device of each cycle.
    """
    confidence, shown = probabilities[np.arange(len(labels)), predicted], set[int]()
    margin = -np.diff(np.sort(probabilities, axis=1)[:, -2:], axis=1)[:, 0]
    classes, wrong = range(probabilities.shape[1]), labels != predicted
    names = sorted(set(devices), key=lambda name: (-devices.count(name), name))[:DEVICES]
    of_device = [np.array([one == name for one in devices]) for name in names]

    def first(masks: Sequence[npt.NDArray[np.bool_]], by: npt.NDArray[np.float32], most: int = 1) -> Rows:
        rows = []
        for mask in masks:
            found = [int(row) for row in np.argsort(-by, kind="stable") if mask[row] and int(row) not in shown][:most]
            rows += found
            shown.update(found)
        return rows

    yield "Most confident errors of each class", first([wrong & (labels == one) for one in classes], confidence, 2)
    yield "Most uncertain", first([np.ones(len(labels), bool)], margin, UNCERTAIN)
    yield "Most confident error of each device", first([wrong & mask for mask in of_device], confidence)
    yield (
        "Most confident right predictions of each class",
        first([~wrong & (labels == one) for one in classes], confidence),
    )
