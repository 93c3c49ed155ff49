"""Figures of the report from predictions: the points that each draws, and the numbers in its texts."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from tests.recompute import limits, scores, tables
from tests.recompute.numbers import Text, exact
from tests.recompute.run import BOTH, Run
from tests.recompute.scores import with_threshold
from tests.recompute.svg_figures import Points

RATES = ("false positive rate", "true positive rate")
ANY = np.nan  # a place that is not compared
SHIFT = 0.14  # distance of both Scores from the middle of their row
RANGE = np.linspace(0, 1, 101)
SCORE = r"Score in percent · filled: strict · open: lenient(?: · dashed: chance)?"  # the narrow figure is shorter
SAME = 1e-12  # two rates that are equal but for rounding


class Expected(NamedTuple):
    """Points of each line, mark and band in the order of drawing, all texts but the numbers of the axes, and areas.

    Along an axis without numbers, the origin and the scale of the points are free.
    """

    drawn: list[Points]
    texts: list[Text]
    cycles: tuple[int, ...] = ()  # number of cycles that the area of each disc shows
    rounded: bool = True  # whether the values were rounded before they were drawn


Recompute = Callable[[Run, re.Match[str], list[str]], Expected]


def of_scores(run: Run, parts: list[pl.DataFrame], texts: list[Text]) -> Expected:
    """Return both Scores of each row with their limits over patients, below the line of chance."""
    drawn: list[Points] = [[(50, ANY)] * 2]
    for row, rows in enumerate(parts):
        for definition, height in zip(BOTH, (row - SHIFT, row + SHIFT), strict=True):
            value = np.mean([scores.scores(part)[definition] for part in scores.networks(rows)])
            span = limits.interval(rows, definition, run.level)
            drawn += [[(one, height) for one in span]] if np.isfinite(span).all() else []
            drawn += [[(value, height)]] if np.isfinite(value) else []
    return Expected(drawn, [Text(SCORE), *texts])


def of_models(run: Run, *_: object) -> Expected:
    parts = {name: run.of(name) for name in run.names}
    return of_scores(run, list(parts.values()), [exact(run.marked(*one)) for one in parts.items()])


def sized(choose: Callable[[Run, str], dict[str, pl.DataFrame]]) -> Recompute:
    """Return a function for the Scores of parts of the test cycles, whose names have their sizes in brackets.

    Args:
        choose: Function from the run and the kind of the parts to the predictions of each part.
    """

    def of_parts(run: Run, label: re.Match[str], _: list[str]) -> Expected:
        parts = choose(run, label[1])
        texts = [
            Text(rf"{re.escape(name)}  \((.*) cycles, (.*) pat\.\)", [one for [one] in tables.sizes(rows)])
            for name, rows in parts.items()
        ]
        return of_scores(run, list(parts.values()), texts)

    return of_parts


def over_k(run: Run, *_: object) -> Expected:
    """Return Scores of the mean logits of the first k teachers; logits are the logarithms of probabilities."""
    each = range(1, min(len(pool) for pool in run.pools) + 1)
    called = [_ensemble(run, run.labelling(k)) for k in each]
    bands, lines = [], []
    for definition in BOTH:
        line = [(k, scores.scores(rows)[definition]) for k, rows in zip(each, called, strict=True)]
        spans = [limits.interval(rows, definition, run.level) for rows in called]
        bands += _bands(dict(zip(each, spans, strict=True)))
        lines += [line, line]
    names = [exact("strict", len(bands) + 1), exact("lenient", len(bands) + 3)]
    axes = [exact("k, teachers that label a cycle"), exact("Score, %")]
    return Expected([*bands, [(ANY, 50)] * 2, *lines], [*axes, *names])


def _bands(spans: dict[int, list[float]]) -> list[Points]:
    """Return the corners of the bands of neighbouring limits that are defined, in the order of matplotlib."""
    known = [k for k, span in spans.items() if np.isfinite(span).all()]
    bands = []
    for first in (k for k in known if k - 1 not in known):
        each = [k for k in known if k >= first and set(range(first, k)) <= set(known)]
        low, high = ([(k, spans[k][side]) for k in each] for side in (0, 1))
        bands.append([high[0], *low, high[-1], *reversed(high)])
    return bands


def _ensemble(run: Run, members: list[str]) -> pl.DataFrame:
    rows = run.test.filter(pl.col("model").is_in(members), selection="val")
    parts = [part.sort("cycle_id") for part in scores.networks(rows)]
    logits = np.log([part.select(run.columns).to_numpy().astype(float) for part in parts]).mean(axis=0)
    given = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = parts[0].with_columns(pl.from_numpy(given.astype(np.float32), run.columns))
    return with_threshold(rows, run.columns, run.mean_rule(members).get("threshold"))


def curve(
    best: Callable[[np.ndarray, np.ndarray, np.ndarray], list[float]], note: int, *axes: str, chance: bool = False
) -> Recompute:
    """Return a function for a curve of each class over `RANGE`, as a mean over seeds.

    Args:
        best: Function from the rates at each threshold (true positives, false positives, precision) to y.
        note: Place of the area among the figures of a class (`scores.of_classes`).
        axes: Titles of the axes, then the name of the area.
        chance: Whether the diagonal is drawn.
    """

    def of_classes(run: Run, *_: object) -> Expected:
        drawn: list[Points] = [[(0, 0), (1, 1)]] if chance else []
        texts = [exact(title) for title in axes[:2]]
        for at, (name, column) in enumerate(zip(run.classes, run.columns, strict=True)):
            area = scores.of_classes(run.student, column, at)[note]
            if np.isfinite(area):
                texts.append(Text(rf"{re.escape(name)} \({axes[2]} (.*)\)", [area], len(drawn)))
                each = [best(*_rates(part, column, at)) for part in scores.networks(run.student)]
                drawn.append(list(zip(RANGE, np.mean(each, axis=0), strict=True)))
        return Expected(drawn, texts)

    return of_classes


def _rates(rows: pl.DataFrame, column: str, at: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return recall, false positive rate and precision at each threshold; at first nothing is called the class."""
    true, given = (rows["label"] == at).to_numpy(), rows[column].to_numpy()
    called = given >= np.unique(given)[::-1, np.newaxis]
    hits, false = (called & true).sum(axis=1), (called & ~true).sum(axis=1)
    found = hits / true.sum(), false / (~true).sum(), hits / (hits + false)
    return tuple(np.concatenate([[first], one]) for first, one in zip((0, 0, 1), found, strict=True))


def roc(recall: np.ndarray, false: np.ndarray, _: np.ndarray) -> list[float]:
    return [recall[false <= x + SAME].max() for x in RANGE]


def precision_recall(recall: np.ndarray, _: np.ndarray, precision: np.ndarray) -> list[float]:
    return [precision[recall >= x - SAME].max() for x in RANGE]


def _drawn(run: Run) -> list[pl.DataFrame]:
    """Return the predictions of the student, and of the ensemble if there is one."""
    return [run.student, *([run.of("the ensemble")] if "the ensemble" in run.sides else [])]


def operating_points(run: Run, *_: object) -> Expected:
    def point(rows: pl.DataFrame, thresholds: list[float | None]) -> tuple[float, float]:
        pairs = zip(scores.networks(rows), thresholds, strict=True)
        found = [scores.scores(with_threshold(part, run.columns, one)) for part, one in pairs]
        return tuple(np.mean([[one[key] for key in ("sp", "se")] for one in found], axis=0))

    lines, marks = [], []
    for rows in _drawn(run):
        number = rows["model"].n_unique()
        lines.append([point(rows, [float(tau)] * number) for tau in RANGE.round(2)])
        marks += [[point(rows, thresholds)] for _, thresholds in sorted(run.thresholds(rows).items())]
    names = [exact(name, at) for at, name in enumerate(("student", "ensemble")[: len(lines)], 1)]
    return Expected([[(0, 100), (100, 0)], *lines, *marks], [exact("Sp, %"), exact("strict Se, %"), *names])


def decision_curve(run: Run, *_: object) -> Expected:
    drawn, probability = [], np.linspace(0.01, 0.9, 90).round(2)
    ill = (run.student["label"] > 0).to_numpy()
    chances, names = [], []
    for name, rows in zip(("student", "ensemble"), _drawn(run), strict=False):
        chances.append(((rows["label"] > 0).to_numpy(), 1 - rows[run.columns[0]].to_numpy()))
        names.append(name)
        if run.temperatures(rows):
            calm = run.with_temperature(rows)
            chances.append(((calm["label"] > 0).to_numpy(), 1 - calm[run.columns[0]].to_numpy()))
            names.append(f"{name}, temperature")
    for true, given in [*chances, (ill, np.ones(len(ill))), (ill, np.zeros(len(ill)))]:
        called = {p: given.astype(float) >= p for p in probability}
        line = [(p, (true & one).mean() - p / (1 - p) * (~true & one).mean()) for p, one in called.items()]
        drawn.append([point for point in line if point[1] >= -0.1 - 5e-5])
    texts = [exact(name, at) for at, name in enumerate((*names, "all abnormal", "all normal"))]
    return Expected(drawn, [exact("threshold probability"), exact("net benefit"), *texts])


def reliability(run: Run, *_: object) -> Expected:
    lines, cycles, student = [], (), run.student
    for rows in (student, *([run.with_temperature(student)] if run.temperatures(student) else ())):
        given = rows.select(run.columns).to_numpy().astype(float)
        sure, right = given.max(axis=1), given.argmax(axis=1) == rows["label"].to_numpy()
        found = np.digitize(sure, np.linspace(0, 1, run.evaluation["calibration_bins"] + 1), right=True)
        cycles = cycles or tuple((found == at).sum() for at in np.unique(found))
        lines.append([(sure[found == at].mean(), right[found == at].mean()) for at in np.unique(found)])
    scaled = [lines[1], lines[1]] if len(lines) > 1 else []
    texts = [exact("confidence (largest probability)"), exact("accuracy")]
    texts += [exact("with temperature", len(lines[0]) + 2)] if scaled else []
    return Expected([*([one] for one in lines[0]), [(0, 0), (1, 1)], lines[0], *scaled], texts, cycles)


def _groups(run: Run, title: str) -> dict[str, pl.DataFrame]:
    return tables.values_of(run, run.group(title))


def _corpora(run: Run, kind: str) -> dict[str, pl.DataFrame]:
    rows = run.external if kind.startswith("external") else run.native if kind.endswith("own classes") else run.test
    return tables.corpora(run, rows)


# Figures by their text alternative.
FIGURES: tuple[tuple[str, Recompute], ...] = (
    ("Strict and lenient Score of each model, with intervals", of_models),
    ("Score over the number of teachers that label a cycle", over_k),
    (
        "ROC curve of each class against the rest",
        curve(roc, 4, *RATES, "area", chance=True),
    ),
    ("Precision over recall of each class against the rest", curve(precision_recall, 5, "recall", "precision", "AP")),
    ("Scores: (test side of each training corpus.*|external corpora)", sized(_corpora)),
    ("Scores by (.*)", sized(_groups)),
    ("Strict sensitivity over specificity, with the operating point of each rule", operating_points),
    ("Net benefit over the threshold probability", decision_curve),
    ("Accuracy over confidence", reliability),
)
