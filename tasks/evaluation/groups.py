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
    found = {}
    for value, mask in _masks(cycles, [column]):
        own = matrices(mask)
        found[value[0]] = {
            **_counts(cycles, mask),
            **figures(own),
            **({} if mask.all() else {"gap": difference(own, matrices(~mask))}),
        }
    return found


def by_two_columns(
    cycles: pl.DataFrame, columns: Sequence[str], *, matrices: Matrices, figures: Figures
) -> list[dict[str, Any]]:
    """Return `columns` and `cells` of each pair of columns that both have several values.

    A cell has its two `values`, numbers of cycles and patients, both Scores and the limits of the strict one.

    Args:
        cycles: The test cycles.
        columns: Names of the columns.
        matrices: Function from a mask of cycles to the confusion matrix of each patient.
        figures: Function from these matrices to figures with limits.
    """
    several = [column for column in columns if cycles[column].n_unique() > 1]
    return [
        {"columns": list(pair), "cells": [_cell(cycles, values, mask, matrices, figures) for values, mask in found]}
        for pair in combinations(several, 2)
        if (found := list(_masks(cycles, pair)))
    ]


def _cell(
    cycles: pl.DataFrame, values: Sequence[str], mask: Mask, matrices: Matrices, figures: Figures
) -> dict[str, Any]:
    """Return one cell of two columns."""
    found = figures(matrices(mask))
    limits = {key: found[key]["score_strict"] for key in ("low", "high")}
    return {"values": list(values), **_counts(cycles, mask), **{name: found[name] for name in CELL}, **limits}


def _masks(cycles: pl.DataFrame, columns: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Mask]]:
    """Yield each combination of values of columns, sorted, with the mask of its cycles."""
    for values in cycles.select(columns).unique().sort(columns).iter_rows():
        same = [cycles[column] == value for column, value in zip(columns, values, strict=True)]
        yield values, np.logical_and.reduce([part.to_numpy() for part in same])


def _counts(cycles: pl.DataFrame, mask: Mask) -> dict[str, int]:
    """Return the numbers of cycles and patients of a group."""
    return {"cycles": int(mask.sum()), "patients": cycles.filter(mask)["patient_id"].n_unique()}
