"""How good ensembles of one, two, … teachers are: the curve of their Score over k (not the student's)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from tasks.distillation.soft_targets import Logits, combine
from tasks.evaluation.predictions import Predictions
from tasks.evaluation.summary import Judge

FIGURES = ("score_strict", "score_lenient", "sp", "se_strict", "se_lenient")


def over_k(ensembles: Mapping[int, Sequence[Logits]], judge: Judge, selection: str) -> pl.DataFrame:
    """Return a row for each k and figure: that of the mean of an ensemble's logits, with its interval.

    Args:
        ensembles: For each k the logits ``(cycles, classes)``, on the test cycles, of the teachers of that ensemble.
        judge: With the test cycles.
        selection: How the teachers' epochs were chosen.
    """
    rows = []
    for k, logits in ensembles.items():
        figures = judge.judge(Predictions(f"ensemble of {k}", selection, combine(logits)[None]))
        rows += [
            {
                "k": k,
                "figure": name,
                "value": figures[name],
                "low": figures["low"][name],
                "high": figures["high"][name],
            }
            for name in FIGURES
        ]
    schema = {"k": pl.Int64, "figure": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema=schema)
