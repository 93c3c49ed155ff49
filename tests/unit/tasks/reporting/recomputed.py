"""Figures of the report, computed again from ``predictions.parquet`` by nothing but NumPy, polars and scikit-learn."""

import numpy as np
import polars as pl
from sklearn import metrics as sk


def scores(rows: pl.DataFrame) -> dict[str, float]:
    """Return Sp, strict and lenient Se, and both Scores in percent."""
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    normal = true == 0
    sp, strict, lenient = (
        100 * hits.mean() if len(hits) else np.nan
        for hits in (called[normal] == 0, called[~normal] == true[~normal], called[~normal] > 0)
    )
    return {"sp": sp, "se": strict, "any": lenient, "strict": (sp + strict) / 2, "lenient": (sp + lenient) / 2}


def further_metrics(rows: pl.DataFrame) -> list[float]:
    """Return macro-F1, UAR, MCC, κ, and the predictive values, which are precisions at the test set's prevalence."""
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    f1 = sk.f1_score(true, called, average="macro", labels=sorted(set(true)), zero_division=0)
    agreement = [sk.matthews_corrcoef(true, called), sk.cohen_kappa_score(true, called)]
    values = [100 * sk.precision_score(true > 0, called > 0, pos_label=ill) for ill in (True, False)]
    return [100 * f1, 100 * sk.balanced_accuracy_score(true, called), *agreement, *values]


def of_classes(rows: pl.DataFrame, classes: list[str], at: int) -> list[float]:
    true, called = rows["label"].to_numpy() == at, rows["predicted"].to_numpy() == at
    shares = [metric(true, called, zero_division=0) for metric in (sk.recall_score, sk.precision_score, sk.f1_score)]
    seeds = [(part["label"] == at, part[f"p_{classes[at]}"]) for _, part in rows.group_by("model")]
    areas = [np.mean([area(*part) for part in seeds]) for area in (sk.roc_auc_score, sk.average_precision_score)]
    return [true.sum() / len(seeds), *(100 * share for share in shares), *areas]


def joined(rows: pl.DataFrame, unit: str, rule: str, classes: list[str]) -> pl.DataFrame:
    """Return a row for each recording or patient: its label, and the majority or the largest probability."""
    found = []
    for (one,), part in rows.group_by(unit):
        ill = [label for label in part["label"] if label > 0]
        sums, largest = ([part[f"p_{name}"].sum() for name in classes], [part[f"p_{name}"].max() for name in classes])
        votes = [(part["predicted"] == at).sum() for at in range(len(classes))]
        best = max(range(len(classes)), key=lambda at: largest[at] if rule == "max" else (votes[at], sums[at]))
        label = max(range(1, len(classes)), key=ill.count) if ill else 0
        found.append({unit: one, "label": label, "predicted": best})
    return pl.DataFrame(found)


def calibration(rows: pl.DataFrame, classes: list[str], bins: int) -> list[float]:
    """Return ECE, Brier score and loss, as means over seeds."""
    seeds = [_calibration(seed, classes, bins) for _, seed in rows.group_by("model")]
    return [float(mean) for mean in np.mean(seeds, axis=0)]


def _calibration(rows: pl.DataFrame, classes: list[str], bins: int) -> list[float]:
    given, true = rows.select(f"p_{name}" for name in classes).to_numpy().astype(float), rows["label"].to_numpy()
    sure, right = given.max(axis=1), given.argmax(axis=1) == true
    found = np.digitize(sure, np.linspace(0, 1, bins + 1), right=True)
    gaps = [abs((sure - right)[found == at].sum()) for at in np.unique(found)]
    brier = ((given - np.eye(len(classes))[true]) ** 2).sum() / len(true)
    loss = sk.log_loss(true, given / given.sum(axis=1, keepdims=True), labels=range(len(classes)))
    return [sum(gaps) / len(true), brier, loss]
