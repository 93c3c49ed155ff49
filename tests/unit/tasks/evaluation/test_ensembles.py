"""The curve of the Score over the size of the ensemble."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tasks.distillation.soft_targets import soften
from tasks.evaluation.ensembles import over_k
from tasks.evaluation.predictions import Predictions
from tests.unit.tasks.evaluation.example import cycles, evaluator


def test_each_k_is_the_mean_of_its_own_ensemble() -> None:
    evaluated = evaluator(cycles(patients=6))
    random = np.random.default_rng(0)
    logits = {name: random.normal(size=(len(evaluated.labels), 4)).astype(np.float32) for name in "bac"}
    curve = over_k({1: [logits["b"]], 2: [logits["a"], logits["c"]]}, evaluated, "val")
    assert curve["k"].unique().to_list() == [1, 2]
    for k, expected in ((1, logits["b"]), (2, (logits["a"] + logits["c"]) / 2)):
        figures = evaluated.evaluate(Predictions("x", "val", soften(expected)[None]))
        for row in curve.filter(pl.col("k") == k).to_dicts():
            assert row["value"] == pytest.approx(figures[row["figure"]])
            assert row["low"] <= row["value"] <= row["high"]
    empty = over_k({}, evaluated, "val")
    assert (empty.height, empty.columns) == (0, ["k", "figure", "value", "low", "high"])
