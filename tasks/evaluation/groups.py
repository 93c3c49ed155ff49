"""Figures of groups of test cycles: by one column, against all other cycles, and by two columns at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.metrics import Counts

Mask = npt.NDArray[np.bool_]
Matrices = Callable[[Mask], Counts]
Figures = Callable[[Counts], Mapping[str, Any]]
Difference = Callable[[Counts, Counts], Mapping[str, Any]]
CELL = ("score_strict", "score_lenient")  # figures of two columns at a time


def by_column(
    cycles: pl.DataFrame, column: str, *, matrices: Matrices, figures: Figures, difference: Difference
) -> dict[str, dict[str, Any]]:
    """Return the figures of the cycles of each value of a column.

    The key `gap` holds both Scores minus those of all other test cycles, with paired limits: a patient may have cycles
    on both sides.

    Args:
        cycles: The test cycles.
        column: Name of the column.
        matrices: Function from a mask of cycles to the confusion matrix of each patient.
        figures: Function from these matrices to figures with limits.
        difference: Function from two sets of matrices to the differences of both Scores with limits.
    """
    return {
        value: {**_counts(cycles, mask), **figures(matrices(mask)), **_gap(mask, matrices, difference)}
        for (value,), mask in _masks(cycles, [column])
    }


def by_two_columns(
    cycles: pl.DataFrame, columns: Sequence[str], *, matrices: Matrices, figures: Figures, difference: Difference
) -> list[dict[str, Any]]:
    """Return `columns` and `cells` of each pair of columns that both have several values.

    A cell has its two `values`, numbers of cycles and patients, both Scores, the limits of the strict one, and `gap` as
    in `by_column`.

    Args:
        cycles: The test cycles.
        columns: Names of the columns.
        matrices: Function from a mask of cycles to the confusion matrix of each patient.
        figures: Function from these matrices to figures with limits.
        difference: Function from two sets of matrices to the differences of both Scores with limits.
    """

    def cell(values: Sequence[str], mask: Mask) -> dict[str, Any]:
        found = figures(matrices(mask))
        return {
            "values": list(values),
            **_counts(cycles, mask),
            **{name: found[name] for name in CELL},
            **{key: found[key]["score_strict"] for key in ("low", "high")},
            **_gap(mask, matrices, difference),
        }

    several = [column for column in columns if cycles[column].n_unique() > 1]
    return [
        {"columns": list(pair), "cells": [cell(values, mask) for values, mask in found]}
        for pair in combinations(several, 2)
        if (found := list(_masks(cycles, pair)))
    ]


def _gap(mask: Mask, matrices: Matrices, difference: Difference) -> dict[str, Any]:
    """Return `gap`, the differences of a group from all other cycles; nothing if there are no others."""
    return {} if mask.all() else {"gap": difference(matrices(mask), matrices(~mask))}


def _masks(cycles: pl.DataFrame, columns: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Mask]]:
    """Yield each combination of values of columns, sorted, with the mask of its cycles."""
    for values in cycles.select(columns).unique().sort(columns).iter_rows():
        same = [cycles[column] == value for column, value in zip(columns, values, strict=True)]
        yield values, np.logical_and.reduce([part.to_numpy() for part in same])


def _counts(cycles: pl.DataFrame, mask: Mask) -> dict[str, int]:
    """Return the numbers of cycles and patients of a group, also of patients with normal and with abnormal cycles."""
    own = cycles.filter(mask)
    normal, abnormal = own.filter(label=0), own.filter(pl.col("label") > 0)
    sides = {"patients": own, "patients_normal": normal, "patients_abnormal": abnormal}
    return {"cycles": own.height, **{name: side["patient_id"].n_unique() for name, side in sides.items()}}
