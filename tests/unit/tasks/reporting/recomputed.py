"""Figures of the report, computed again from ``predictions.parquet`` by nothing but NumPy, polars and scikit-learn."""

import numpy as np
import polars as pl
from sklearn import metrics as sk


def scores(rows: pl.DataFrame) -> dict[str, float]:
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    normal = true == 0
    sp, strict, lenient = (
        100 * hits.mean() if len(hits) else np.nan
        for hits in (called[normal] == 0, called[~normal] == true[~normal], called[~normal] > 0)
    )
    means = {"strict": (sp + strict) / 2, "lenient": (sp + lenient) / 2}
    return {"sp": sp, "se": strict, "any": lenient} | means


def further(rows: pl.DataFrame) -> list[float]:
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    f1 = sk.f1_score(true, called, average="macro", labels=sorted(set(true)), zero_division=0)
    agreement = [sk.matthews_corrcoef(true, called), sk.cohen_kappa_score(true, called)]
    return [100 * f1, 100 * sk.balanced_accuracy_score(true, called), *agreement]


def of_classes(rows: pl.DataFrame, classes: list[str], at: int) -> list[float]:
    true, called = rows["label"].to_numpy() == at, rows["predicted"].to_numpy() == at
    shares = [metric(true, called, zero_division=0) for metric in (sk.recall_score, sk.precision_score, sk.f1_score)]
    seeds = [(part["label"] == at, part[f"p_{classes[at]}"]) for _, part in rows.group_by("model")]
    areas = [np.mean([area(*part) for part in seeds]) for area in (sk.roc_auc_score, sk.average_precision_score)]
    return [true.sum() / len(seeds), *(100 * share for share in shares), *areas]
