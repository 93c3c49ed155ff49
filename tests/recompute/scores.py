"""Scores and other figures of predictions, by nothing but NumPy, polars and scikit-learn."""

import warnings
from collections.abc import Sequence

import numpy as np
import polars as pl
from sklearn import metrics as sk

POOR = "poor quality"  # class that counts in neither SE nor SP of the challenges on SPRSound
DEGENERATE_FROM = 10  # normal, or abnormal, cycles; of fewer, a network may miss all by chance
LEAST = np.finfo(np.float32).tiny  # probability whose logarithm is taken instead of that of 0


def networks(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the predictions of each network."""
    return rows.partition_by("model", maintain_order=True)


def scores(rows: pl.DataFrame) -> dict[str, float]:
    """Return Sp, strict and lenient Se, and both Scores in percent; NaN where there is no such cycle."""
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    normal = true == 0
    sp, strict, lenient = (
        100 * hits.mean() if len(hits) else np.nan
        for hits in (called[normal] == 0, called[~normal] == true[~normal], called[~normal] > 0)
    )
    return {"sp": sp, "se": strict, "any": lenient, "strict": (sp + strict) / 2, "lenient": (sp + lenient) / 2}


def with_threshold(rows: pl.DataFrame, columns: Sequence[str], threshold: float | None) -> pl.DataFrame:
    """Return predictions with the class that a threshold of the normal class gives; None: the most probable class."""
    given = rows.select(columns).to_numpy().astype(float)
    called = given.argmax(axis=1)
    if threshold is not None:
        called = np.where(given[:, 0] >= threshold, 0, 1 + given[:, 1:].argmax(axis=1))
    return rows.with_columns(predicted=pl.Series(called, dtype=pl.Int8))


def degenerate(rows: pl.DataFrame) -> str | None:
    """Return how the predictions of one network are degenerate, with places of classes in braces; None if not."""
    label, called = rows["label"], rows["predicted"]
    if label.n_unique() < 2:
        return None
    if called.n_unique() == 1:
        return f"always {{{called[0]}}}"
    normal, ill = called.filter(label == 0), called.filter(label > 0)
    if len(normal) and not (called == 0).any():
        return "never {0}"
    if len(normal) >= DEGENERATE_FROM and not (normal == 0).any():
        return "finds no {0} cycle"
    return "finds no abnormal cycle" if len(ill) >= DEGENERATE_FROM and not (ill > 0).any() else None


def further_metrics(rows: pl.DataFrame, prevalence: float | None) -> list[float]:
    """Return macro-F1, UAR, MCC, κ, PPV and NPV.

    Args:
        rows: Predictions of one network.
        prevalence: Share of abnormal cycles for which PPV and NPV hold; None for that of the test cycles, for which
            they are precisions.
    """
    true, called = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    f1 = sk.f1_score(true, called, average="macro", labels=sorted({*true, *called}), zero_division=np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class may be called that no cycle has
        recall = sk.balanced_accuracy_score(true, called)
    several = len(set(true)) > 1
    agreement = [one(true, called) if several else np.nan for one in (sk.matthews_corrcoef, sk.cohen_kappa_score)]
    weights = np.ones(len(true))
    if prevalence is not None:
        weights = np.where(true > 0, prevalence / (true > 0).mean(), (1 - prevalence) / (true == 0).mean())
    values = [
        100 * sk.precision_score(true > 0, called > 0, pos_label=ill, sample_weight=weights, zero_division=np.nan)
        for ill in (True, False)
    ]
    return [100 * f1, 100 * recall, *agreement, *values]


def challenge(rows: pl.DataFrame, classes: Sequence[str]) -> dict[str, float]:
    """Return SE, SP, AS, HS and Score of the challenges on SPRSound in percent."""
    poor = [at for at, name in enumerate(classes) if name == POOR]
    found = scores(rows.filter(~pl.col("label").is_in(poor)))
    sp, se = found["sp"], found["se"]
    harmonic = 2 * se * sp / (se + sp) if se + sp else 0.0
    return {"SE": se, "SP": sp, "AS": (se + sp) / 2, "HS": harmonic, "Score": ((se + sp) / 2 + harmonic) / 2}


def of_classes(rows: pl.DataFrame, column: str, at: int) -> list[float]:
    """Return number of cycles, recall, precision, F1, ROC area and average precision of one class.

    Args:
        rows: Predictions of several networks.
        column: Column of the probabilities of the class.
        at: Index of the class.
    """
    true, called = rows["label"].to_numpy() == at, rows["predicted"].to_numpy() == at
    metrics = (sk.recall_score, sk.precision_score, sk.f1_score)
    shares = [metric(true, called, zero_division=np.nan) for metric in metrics]
    seeds = networks(rows)
    both = 0 < true.sum() < len(true)
    areas = [
        np.mean([area(part["label"] == at, part[column]) for part in seeds]) if both else np.nan
        for area in (sk.roc_auc_score, sk.average_precision_score)
    ]
    return [true.sum() / len(seeds), *(100 * share for share in shares), *areas]


def joined(rows: pl.DataFrame, unit: str, rule: str, columns: Sequence[str]) -> pl.DataFrame:
    """Return a row for each recording or patient: its label, and the majority or the largest probability.

    Args:
        rows: Predictions of one network.
        unit: Column of the ids of recordings or patients.
        rule: ``majority`` or ``max``.
        columns: Columns of the probabilities.
    """
    found, classes = [], range(len(columns))
    for (one,), part in rows.group_by(unit):
        given, called, label = part.select(columns).to_numpy().astype(float), list(part["predicted"]), part["label"]
        ill, sums, largest = [at for at in label if at > 0], given.sum(axis=0), given.max(axis=0)
        best = max(classes, key=lambda at: largest[at] if rule == "max" else (called.count(at), sums[at]))
        known = {"model": part["model"][0], "patient_id": part["patient_id"][0], unit: one}
        found.append(known | {"label": max(classes[1:], key=ill.count) if ill else 0, "predicted": best})
    return pl.DataFrame(found)


def calibration(rows: pl.DataFrame, columns: Sequence[str], bins: int) -> list[float]:
    """Return ECE, Brier score and loss, as means over networks."""
    return [float(mean) for mean in np.mean([_calibration(part, columns, bins) for part in networks(rows)], axis=0)]


def _calibration(rows: pl.DataFrame, columns: Sequence[str], bins: int) -> list[float]:
    given, true = rows.select(columns).to_numpy().astype(float), rows["label"].to_numpy()
    sure, right = given.max(axis=1), given.argmax(axis=1) == true
    found = np.digitize(sure, np.linspace(0, 1, bins + 1), right=True)
    gaps = [abs((sure - right)[found == at].sum()) for at in np.unique(found)]
    brier = ((given - np.eye(len(columns))[true]) ** 2).sum() / len(true)
    loss = -np.log(np.maximum(given[np.arange(len(true)), true], LEAST)).mean()
    return [sum(gaps) / len(true), brier, loss]
