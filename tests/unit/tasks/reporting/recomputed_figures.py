"""Figures of the report, computed again from predictions: the points that each draws, and the numbers in its texts."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from tests.unit.tasks.evaluation.example import CLASSES, SETTINGS
from tests.unit.tasks.reporting import recomputed
from tests.unit.tasks.reporting import recomputed_limits as limits
from tests.unit.tasks.reporting.recomputed_tables import BOTH, NAMES, SEXES, Run, with_threshold

ANY = np.nan  # place along an axis without numbers
RANGE = np.linspace(0, 1, 101)
RULES = ("argmax", "strict", "lenient")
Points = list[tuple[float, float]]


class Expected(NamedTuple):
    """Points of each line, mark and band in the order of drawing, numbers of texts by their beginning, and areas."""

    drawn: list[Points]
    numbers: dict[str, list[float]]
    cycles: tuple[int, ...] = ()  # number of cycles that the area of each disc shows


def scores(parts: dict[str, pl.DataFrame], numbers: dict[str, list[float]]) -> Expected:
    """Return both Scores of each row with their limits over patients, below the line of chance."""
    drawn: list[Points] = [[(50, ANY)] * 2]
    for rows in parts.values():
        for definition in BOTH:
            value = np.mean([recomputed.scores(part)[definition] for _, part in rows.group_by("model")])
            if np.isfinite(value):
                drawn += [[(one, ANY) for one in limits.interval(rows, definition)], [(value, ANY)]]
    return Expected(drawn, numbers)


def of_models(run: Run, texts: list[str]) -> Expected:
    names = [text for text in texts if text.startswith(("student", "ensemble", "teacher"))]
    models = run.student["model"].unique()
    known = [f"student, mean of {len(models)} seeds", *(one.replace("/", " seed ") for one in models)]
    return scores({name: run.of(name) for name in names}, {name: [] for name in known})


def sized(choose: Callable[[Run, str], pl.DataFrame]) -> Callable[[Run, list[str]], Expected]:
    """Return a function for the Scores of parts of the test cycles, whose names have their sizes in brackets."""

    def of_parts(run: Run, texts: list[str]) -> Expected:
        names = [text.partition("  (")[0] for text in texts if "  (" in text]
        parts = {name: choose(run, name.strip("†")) for name in names}
        sizes = {name: [rows[key].n_unique() for key in ("cycle_id", "patient_id")] for name, rows in parts.items()}
        return scores(parts, sizes)

    return of_parts


def over_k(run: Run, _: list[str]) -> Expected:
    """Return Scores of the mean logits of the first k teachers; logits are the logarithms of probabilities."""
    teachers = [part.sort("cycle_id") for _, part in run.of("the mean of the 2 teachers").group_by("model")]
    teachers.sort(key=lambda part: part["model"][0])
    logits = np.log([part.select(NAMES).to_numpy() for part in teachers])
    bands, lines = [], []
    for definition in BOTH:
        each = range(1, len(teachers) + 1)
        called = [teachers[0].with_columns(predicted=pl.Series(logits[:k].mean(axis=0).argmax(axis=1))) for k in each]
        line = [(k, recomputed.scores(rows)[definition]) for k, rows in zip(each, called, strict=True)]
        low, high = zip(*(limits.interval(rows, definition) for rows in called), strict=True)
        around = [*zip(each, low, strict=True), *reversed(list(zip(each, high, strict=True)))]
        bands.append([around[-1], *around[: len(each)], around[len(each)], *around[len(each) :]])
        lines += [line, line]
    return Expected([*bands, [(ANY, 50)] * 2, *lines], {})


def curve(best: Callable[[np.ndarray, np.ndarray, float], float], note: int, *, chance: bool):
    """Return a function for a curve of each class over `RANGE`, as a mean over seeds.

    Args:
        best: Function from the rates at each threshold (true positives, false positives, precision) and x to y.
        note: Place of the area among the figures of a class (`recomputed.of_classes`).
        chance: Whether the diagonal is drawn.
    """

    def of_classes(run: Run, _: list[str]) -> Expected:
        drawn: list[Points] = [[(0, 0), (1, 1)]] if chance else []
        numbers = {}
        for at, name in enumerate(CLASSES):
            each = [best(*_rates(part, at)) for _, part in run.student.group_by("model")]
            drawn.append(list(zip(RANGE, np.mean(each, axis=0), strict=True)))
            numbers[name] = [recomputed.of_classes(run.student, list(CLASSES), at)[note]]
        return Expected(drawn, numbers)

    return of_classes


def _rates(rows: pl.DataFrame, at: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return recall, false positive rate and precision at each threshold; at first nothing is called the class."""
    true, given = (rows["label"] == at).to_numpy(), rows[NAMES[at]].to_numpy()
    called = given >= np.unique(given)[::-1, np.newaxis]
    hits, false = (called & true).sum(axis=1), (called & ~true).sum(axis=1)
    found = hits / true.sum(), false / (~true).sum(), hits / (hits + false)
    return tuple(np.concatenate([[first], one]) for first, one in zip((0, 0, 1), found, strict=True))


def roc(recall: np.ndarray, false: np.ndarray, _: np.ndarray) -> list[float]:
    return [recall[false <= x + 1e-12].max() for x in RANGE]


def precision_recall(recall: np.ndarray, _: np.ndarray, precision: np.ndarray) -> list[float]:
    return [precision[recall >= x - 1e-12].max() for x in RANGE]


def operating_points(run: Run, _: list[str]) -> Expected:
    def point(threshold: float | None) -> tuple[float, float]:
        rows = with_threshold(run.student, threshold)
        return tuple(np.mean([[one[key] for key in ("sp", "se")] for one in _of_seeds(rows)], axis=0))

    marks = [[point(run.thresholds.get(rule))] for rule in RULES]
    return Expected([[(0, 100), (100, 0)], [point(one) for one in RANGE], *marks], {})


def _of_seeds(rows: pl.DataFrame) -> list[dict[str, float]]:
    return [recomputed.scores(part) for _, part in rows.group_by("model")]


def decision_curve(run: Run, _: list[str]) -> Expected:
    ill = (run.student["label"] > 0).to_numpy()
    calibrated = run.with_temperature(run.student)
    chances = [1 - rows[NAMES[0]].to_numpy() for rows in (run.student, calibrated)] + [
        np.ones(len(ill)),
        np.zeros(len(ill)),
    ]
    drawn = []
    for given in chances:
        odds = {p: p / (1 - p) for p in np.linspace(0.01, 0.9, 90).round(2)}
        line = [(p, (ill & (given >= p)).mean() - odd * (~ill & (given >= p)).mean()) for p, odd in odds.items()]
        drawn.append([point for point in line if point[1] >= -0.1 - 5e-5])
    return Expected(drawn, {})


def reliability(run: Run, _: list[str]) -> Expected:
    lines, cycles = [], ()
    for rows in (run.student, run.with_temperature(run.student)):
        given = rows.select(NAMES).to_numpy().astype(float)
        sure, right = given.max(axis=1), given.argmax(axis=1) == rows["label"].to_numpy()
        found = np.digitize(sure, np.linspace(0, 1, SETTINGS.calibration_bins + 1), right=True)
        cycles = cycles or tuple((found == at).sum() for at in np.unique(found))
        lines.append([(sure[found == at].mean(), right[found == at].mean()) for at in np.unique(found)])
    return Expected([*([one] for one in lines[0]), [(0, 0), (1, 1)], lines[0], lines[1], lines[1]], {}, cycles)


def _group(column: str) -> Callable[[Run, str], pl.DataFrame]:
    return lambda run, name: run.student.filter(pl.col(column) == SEXES.get(name, name))


def _external(run: Run, name: str) -> pl.DataFrame:
    return run.external.filter(pl.col("model").str.starts_with("student/"), pl.col("corpus") == name)


# Figures by their text alternative.
FROM_PREDICTIONS: dict[str, Callable[[Run, list[str]], Expected]] = {
    "Strict and lenient Score of each model, with intervals": of_models,
    "Score over the number of teachers that label a cycle": over_k,
    "ROC curve of each class against the rest": curve(roc, 4, chance=True),
    "Precision over recall of each class against the rest": curve(precision_recall, 5, chance=False),
    "Scores: test side of each training corpus": sized(_group("corpus")),
    "Scores: external corpora": sized(_external),
    "Scores by device": sized(_group("device")),
    "Scores by sex": sized(_group("sex")),
    "Strict sensitivity over specificity, with the operating point of each rule": operating_points,
    "Net benefit over the threshold probability": decision_curve,
    "Accuracy over confidence": reliability,
}
# Figures whose numbers do not follow from predictions, and what gives them.
FROM_OTHERS = {
    "Score over epochs": "history.csv of each network",
    "Training loss over epochs": "history.csv of each network",
    "Mean feature of each corpus and device over the mel bins": "feature cache",
}
