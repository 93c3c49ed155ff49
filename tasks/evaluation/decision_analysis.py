"""Figures of each decision rule, the operating curve over thresholds, and the decision curve (net benefit)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.decision_rules import Chosen, classify
from models.metrics import FIGURES, Counts, confusion, figures
from tasks.evaluation.calibration import scaled
from tasks.evaluation.predictions import Predictions, Probabilities

# Rules that every model is judged by, whatever its own one is, and the Score by which the threshold was chosen.
RULES: dict[str, Chosen | None] = {"argmax": None, "strict": "strict", "lenient": "lenient"}
OWN = "own"  # rule of a model whose thresholds are none of these
THRESHOLDS = np.linspace(0, 1, 101).round(2)  # of the operating curve
THRESHOLD_PROBABILITIES = np.linspace(0.01, 0.9, 90).round(2)  # of the decision curve
LOWEST = -0.1  # net benefit; smaller ones are left out
TREAT_ALL, TREAT_NONE = "all abnormal", "all normal"

Runs = Sequence[Predictions]


def by_rule(
    runs: Runs,
    confusion_of: Callable[[Predictions], Counts],
    minus: Callable[[Runs, Runs], dict[str, Any]],
    degenerate: Callable[[Runs], str | None],
) -> dict[str, Any]:
    """Return the rule of a model, and the figures of the rules that it has a threshold for.

    Figures are ``{mean, sd}`` over runs, and `threshold` is the mean of the runs' thresholds. `minus_argmax` has the
    paired differences to the most probable class; of several runs also over runs. `target` is the Se that the rule
    `sensitivity` was to reach, and `reached` what it reaches on validation patients in each run that has the rule.
    `degenerate` says how runs are degenerate with the rule; that of `minus_argmax` also with the most probable class.
    `applied` is the name of the figures of the model's own rule.

    Args:
        runs: Predictions of each run of a model.
        confusion_of: Function from predictions of one run to their confusion matrix.
        minus: Function from the runs of two rules to the paired differences of both Scores.
        degenerate: Function from runs to the way in which some are degenerate, in words; None if none is.
    """
    found: dict[str, Any] = {}
    by_name = _with_each_rule(runs)
    for name, ruled in by_name.items():
        single = [figures(confusion_of(run)) for run in ruled]
        known = [threshold for threshold in _thresholds(ruled) if threshold is not None]
        found[name] = {
            "threshold": round(float(np.mean(known)), 4) if known else None,
            "degenerate": degenerate(ruled),
            **{figure: _over_runs([float(one[figure]) for one in single]) for figure in FIGURES},
        }
        if name != "argmax":
            flags = [f"{rule} {flag}" for rule in (name, "argmax") if (flag := found[rule]["degenerate"])]
            difference = minus(ruled, by_name["argmax"])
            found[name]["minus_argmax"] = {**difference, "degenerate": "; ".join(flags) or None}
    rules = [run.rules[0] for run in runs]
    return {
        "applied": next(name for name, ruled in by_name.items() if _thresholds(ruled) == _thresholds(runs)),
        "rule": ", ".join(dict.fromkeys(rule.rule for rule in rules)),
        "target": next((rule.target for rule in rules if rule.target is not None), None),
        "reached": [rule.reached for rule in rules if rule.target is not None],
        "rules": found,
    }


def _with_each_rule(runs: Runs) -> dict[str, list[Predictions]]:
    """Return the runs with each rule; with `OWN` only if their own thresholds are those of no other rule."""
    with_rule = {name: [run.with_threshold(chosen) for run in runs] for name, chosen in RULES.items()}
    known = {name: ruled for name, ruled in with_rule.items() if name == "argmax" or None not in _thresholds(ruled)}
    equal = any(_thresholds(ruled) == _thresholds(runs) for ruled in known.values())
    return known if equal else known | {OWN: list(runs)}


def _thresholds(runs: Runs) -> list[float | None]:
    return [run.rules[0].threshold for run in runs]


def operating_curve(
    models: Sequence[Predictions], labels: npt.NDArray[np.int64], classes: Sequence[str]
) -> pl.DataFrame:
    """Return `model`, `threshold`, `sp`, `se_strict` and `se_lenient` of each threshold, as means over runs.

    Args:
        models: Predictions of each model.
        labels: Class indices ``(cycles,)``.
        classes: Names of the classes.
    """
    names = ("sp", "se_strict", "se_lenient")
    rows = []
    for model in models:
        for threshold in THRESHOLDS:
            predicted = classify(model.probabilities, float(threshold))
            found = figures(np.sum([confusion(labels, run, len(classes)) for run in predicted], axis=0))
            rows.append((model.model, float(threshold), *(round(float(found[name]), 2) for name in names)))
    return pl.DataFrame(rows, schema=["model", "threshold", *names], orient="row").fill_nan(None)


def net_benefit(abnormal: npt.NDArray[np.bool_], probability: Probabilities) -> npt.NDArray[np.float64]:
    """Return the net benefit at each of `THRESHOLD_PROBABILITIES` (Vickers & Elkin 2006), as a mean over runs.

    At a threshold probability p, cycles are called abnormal from this probability on. The net benefit is the fraction
    of true positives, minus that of false positives times p / (1 − p).

    Args:
        abnormal: Mask of the abnormal cycles ``(cycles,)``.
        probability: Probability of an abnormal class ``(runs, cycles)``.
    """
    called = probability[..., np.newaxis].astype(np.float64) >= THRESHOLD_PROBABILITIES
    true = (called & abnormal[:, np.newaxis]).mean(axis=(0, 1))
    false = (called & ~abnormal[:, np.newaxis]).mean(axis=(0, 1))
    return np.asarray(true - false * THRESHOLD_PROBABILITIES / (1 - THRESHOLD_PROBABILITIES))


def decision_curve(models: Sequence[Predictions], labels: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Return `model`, `threshold_probability` and `net_benefit`, also of calling all cycles abnormal or normal.

    A model with a temperature has a second curve, with its probabilities calibrated.

    Args:
        models: Predictions of each model.
        labels: Class indices ``(cycles,)``.
    """
    abnormal = labels > 0
    curves = {}
    for model in models:
        curves[model.model] = net_benefit(abnormal, 1 - model.probabilities[..., 0])
        if (calibrated := scaled(model)) is not None:
            curves[f"{model.model}, temperature"] = net_benefit(abnormal, 1 - calibrated[..., 0])
    always = np.ones((1, len(labels)), dtype=np.float32)
    curves |= {TREAT_ALL: net_benefit(abnormal, always), TREAT_NONE: net_benefit(abnormal, 0 * always)}
    parts = [
        pl.DataFrame({"threshold_probability": THRESHOLD_PROBABILITIES, "net_benefit": curve.round(4) + 0.0})
        .select(pl.lit(name).alias("model"), pl.all())
        .filter(pl.col("net_benefit") >= LOWEST)
        for name, curve in curves.items()
    ]
    return pl.concat(parts)


def _over_runs(values: Sequence[float]) -> dict[str, float | None]:
    """Return mean and standard deviation over runs with two decimals; None where they are undefined."""
    mean, several = float(np.mean(values)), len(values) > 1
    sd = float(np.std(values, ddof=1)) if several else None
    return {
        "mean": None if np.isnan(mean) else round(mean, 2) + 0.0,
        "sd": None if sd is None or np.isnan(sd) else round(sd, 2),
    }
