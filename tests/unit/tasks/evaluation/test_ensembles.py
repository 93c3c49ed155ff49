"""The curve of the Score over the size of the ensemble."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tasks.distillation.soft_targets import soften
from tasks.evaluation.ensembles import over_k
from tasks.evaluation.predictions import Predictions
from tasks.evaluation.summary import Judge
from tests.unit.tasks.evaluation.example import CLASSES, SETTINGS, cycles


def test_each_k_is_the_mean_of_its_own_ensemble() -> None:
    judge = Judge(cycles(patients=6), CLASSES, SETTINGS)
    random = np.random.default_rng(0)
    logits = {name: random.normal(size=(len(judge.labels), 4)).astype(np.float32) for name in "bac"}
    curve = over_k({1: [logits["b"]], 2: [logits["a"], logits["c"]]}, judge, "val")
    assert curve["k"].unique().to_list() == [1, 2]
    for k, expected in ((1, logits["b"]), (2, (logits["a"] + logits["c"]) / 2)):
        figures = judge.judge(Predictions("x", "val", soften(expected)[None]))
        for row in curve.filter(pl.col("k") == k).to_dicts():
            assert row["value"] == pytest.approx(figures[row["figure"]])
            assert row["low"] <= row["value"] <= row["high"]
    empty = over_k({}, judge, "val")
    assert (empty.height, empty.columns) == (0, ["k", "figure", "value", "low", "high"])
