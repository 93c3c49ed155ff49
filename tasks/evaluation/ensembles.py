"""Figures of teacher ensembles over k, the number of teachers that label a cycle."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import polars as pl

from models.decision_rules import DecisionRule
from models.metrics import FIGURES
from tasks.distillation.soft_labels import Logits, combine
from tasks.evaluation.evaluator import Evaluator
from tasks.evaluation.predictions import Predictions


def over_k(
    ensembles: Mapping[int, Sequence[Logits]],
    evaluator: Evaluator,
    selection: str,
    rules: Mapping[int, DecisionRule] = MappingProxyType({}),
) -> pl.DataFrame:
    """Return the figures and intervals of the mean of each ensemble's logits, a row for each k and figure.

    `networks` is the number of teachers of the ensemble. With out-of-fold soft labels it is k for each fold.

    Args:
        ensembles: The logits ``(cycles, classes)`` of each ensemble's teachers on the test cycles, by k.
        evaluator: The evaluator of the test cycles.
        selection: The selection of the teachers' epochs: `val` or `paper`.
        rules: Decision rule of each ensemble by k; the most probable class where it is missing.
    """
    rows = []
    for k, logits in ensembles.items():
        rule = rules.get(k, DecisionRule())
        figures = evaluator.evaluate(Predictions(f"ensemble of {k}", selection, combine(logits)[None], (rule,)))
        low, high = figures["low"], figures["high"]
        rows += [
            {
                "k": k,
                "networks": len(logits),
                "figure": name,
                "value": figures[name],
                "low": low[name],
                "high": high[name],
            }
            for name in FIGURES
        ]
    schema = {
        "k": pl.Int64,
        "networks": pl.Int64,
        "figure": pl.String,
        **dict.fromkeys(("value", "low", "high"), pl.Float64),
    }
    return pl.DataFrame(rows, schema=schema)
