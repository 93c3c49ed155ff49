"""Numbers of the report's tables, computed again from predictions: a list for each cell of a row but the first."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import softmax
from sklearn.metrics import confusion_matrix

from tests.unit.tasks.evaluation.example import CLASSES, PUBLISHED, SETTINGS
from tests.unit.tasks.reporting import recomputed
from tests.unit.tasks.reporting import recomputed_limits as limits

BOTH = ("strict", "lenient")
NAMES = [f"p_{name}" for name in CLASSES]
SEXES = {"female": "F", "male": "M"}
TABLES = (("strict", "paper"), ("strict", "val"), ("lenient", "paper"))  # of published figures


@dataclass(frozen=True)
class Run:
    """Predictions on the test cycles and on an external corpus, and the thresholds and temperature of all models."""

    test: pl.DataFrame
    external: pl.DataFrame
    thresholds: dict[str, float]
    temperature: float

    def of(self, name: str) -> pl.DataFrame:
        """Return the predictions of the models that the first cell of a row names."""
        if name.startswith("always"):
            return self.of("ensemble of teachers").with_columns(predicted=pl.lit(0))
        starts = {"student, mean": "student/", "the mean of the 2 teachers": "teacher/", "the ensemble": "ensemble"}
        start = next((model for words, model in starts.items() if name.startswith(words)), None)
        words = name.partition(" (")[0].replace("student seed ", "student/").replace("teacher ", "teacher/")
        model = pl.col("model")
        one = model == words.replace("ensemble of teachers", "ensemble")
        return self.test.filter(one if start is None else model.str.starts_with(start))

    def with_temperature(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return predictions with the probabilities that the temperature gives."""
        scaled = softmax(np.log(rows.select(NAMES).to_numpy().astype(float)) / self.temperature, axis=1)
        return rows.with_columns(pl.from_numpy(scaled, NAMES))

    @property
    def student(self) -> pl.DataFrame:
        """Predictions of the student's seeds."""
        return self.of("student, mean")


Row = list[str]
Numbers = list[list[float]]


def means(rows: pl.DataFrame, figures: Callable[[pl.DataFrame], list[float]]) -> Numbers:
    """Return the mean of each figure over networks, and with several ones its standard deviation."""
    each = np.array([figures(part) for _, part in rows.group_by("model")])
    return [[one.mean(), one.std(ddof=1)] if len(each) > 1 else [one.mean()] for one in each.T]


def figures(*keys: str) -> Callable[[pl.DataFrame], list[float]]:
    return lambda rows: [recomputed.scores(rows)[key] for key in keys]


def results(run: Run, _: Row, row: Row) -> Numbers:
    rows = run.of(row[0])
    sp, strict, se, lenient, detected = means(rows, figures("sp", "strict", "se", "lenient", "any"))
    spans = [[], []] if row[0].startswith("always") else [limits.interval(rows, one) for one in BOTH]
    return [sp[:1], strict, spans[0], se[:1], lenient, spans[1], detected[:1]]


def differences(run: Run, _: Row, row: Row) -> Numbers:
    found = [limits.difference(run.student, run.of(row[0]), one) for one in BOTH]
    return [part for one in found for part in (one[:1], one[1:3] if row[0].endswith("fixed") else one[3:])]


def tests(run: Run, _: Row, row: Row) -> Numbers:
    other, definition = run.of(row[0]), row[1]
    pairs = limits.mcnemar(run.student, other, definition)
    difference = limits.difference(run.student, other, definition)[0]
    swapped = limits.p_by_patient(run.student, other, definition)
    return [[], [difference], [swapped], [len(pairs)], [pairs[0], pairs[-1]]]


def confusion(run: Run, _: Row, row: Row) -> Numbers:
    counts = confusion_matrix(run.student["label"], run.student["predicted"])[CLASSES.index(row[0])]
    return [[100 * count / counts.sum(), count] for count in counts]


def classes(run: Run, _: Row, row: Row) -> Numbers:
    return [[one] for one in recomputed.of_classes(run.student, list(CLASSES), CLASSES.index(row[0]))]


def further_metrics(run: Run, _: Row, row: Row) -> Numbers:
    return means(run.of(row[0]), recomputed.further_metrics)


def joined(unit: str) -> Callable[[Run, Row, Row], Numbers]:
    def of_unit(run: Run, _: Row, row: Row) -> Numbers:
        parts = [part for _, part in run.of(row[0]).group_by("model")]
        each = [recomputed.scores(recomputed.joined(part, unit, row[1], list(CLASSES))) for part in parts]
        return [[], *([np.mean([one[key] for one in each])] for key in ("sp", "se", "strict", "any", "lenient"))]

    return of_unit


def sizes(rows: pl.DataFrame) -> Numbers:
    return [[rows["cycle_id"].n_unique()], [rows["patient_id"].n_unique()]]


def groups(run: Run, header: Row, row: Row) -> Numbers:
    value = row[0].strip("†")
    inside = pl.col(header[0]) == SEXES.get(value, value)
    own, gap = group(run, inside)
    score = recomputed.scores(own)
    spans = [limits.interval(own, one) if np.isfinite(score[one]) else [] for one in BOTH]
    cells = [[score["sp"]], [score["se"]], [score["strict"], *spans[0]], [score["any"]], [score["lenient"], *spans[1]]]
    return [*sizes(own), *cells, gap]


def group_pairs(run: Run, header: Row, row: Row) -> Numbers:
    cells: Numbers = []
    for value in header[1:]:
        own, gap = group(run, (pl.col("device") == row[0]) & (pl.col("sex") == SEXES[value]))
        score = recomputed.scores(own)["strict"]
        span = limits.interval(own, "strict") if np.isfinite(score) else []
        counts = [one for [one] in sizes(own)] if own.height else []
        cells.append([score, *span, *gap, *counts])
    return cells


def group(run: Run, inside: pl.Expr) -> tuple[pl.DataFrame, list[float]]:
    """Return the predictions of a group, and the gap of its Score to all other cycles, with limits."""
    own, rest = run.student.filter(inside), run.student.filter(~inside)
    known = all(np.isfinite(recomputed.scores(rows)["strict"]) for rows in (own, rest))
    return own, limits.difference(own, rest, "strict")[:3] if known else []


def with_threshold(rows: pl.DataFrame, threshold: float | None) -> pl.DataFrame:
    """Return predictions with the class that a threshold of the normal class gives; None: the most probable class."""
    given = rows.select(NAMES).to_numpy()
    called = given.argmax(axis=1)
    if threshold is not None:
        called = np.where(given[:, 0] >= threshold, 0, 1 + given[:, 1:].argmax(axis=1))
    return rows.with_columns(predicted=pl.Series(called))


def rules(run: Run, _: Row, row: Row) -> Numbers:
    rows, threshold = run.of(row[0]), run.thresholds.get(row[1].partition(",")[0])
    own, minus = with_threshold(rows, threshold), []
    if threshold is not None:
        argmax, sources = with_threshold(rows, None), 5 if rows["model"].n_unique() > 1 else 3
        minus = limits.difference(own, argmax, "strict", paired=True)[:sources]
    *first, last = means(own, figures("sp", "se", "strict", "lenient"))
    return [[] if threshold is None else [threshold], *first, minus, last]


def calibration(run: Run, _: Row, row: Row) -> Numbers:
    return [[one] for one in recomputed.calibration(run.of(row[0]), list(CLASSES), SETTINGS.calibration_bins)]


def scaled_calibration(run: Run, _: Row, row: Row) -> Numbers:
    scaled = run.with_temperature(run.of(row[0]))
    return [
        [run.temperature],
        *([one] for one in recomputed.calibration(scaled, list(CLASSES), SETTINGS.calibration_bins)),
    ]


def corpora(run: Run, _: Row, row: Row) -> Numbers:
    rows = run.student.filter(pl.col("corpus") == row[0])
    return of_corpus(rows)


def external(run: Run, _: Row, row: Row) -> Numbers:
    return of_corpus(run.external.filter(pl.col("model").str.starts_with("student/"), pl.col("corpus") == row[0]))


def of_corpus(rows: pl.DataFrame) -> Numbers:
    score = recomputed.scores(rows)
    both = [part for one in BOTH for part in ([score[one]], limits.interval(rows, one))]
    return [[], *sizes(rows), *both, [score["sp"]], [score["se"]], [score["any"]]]


def published(number: int) -> Callable[[Run, Row, Row], Numbers]:
    def of_method(run: Run, _: Row, row: Row) -> Numbers:
        definition, selection = TABLES[number]
        if row[0].startswith("this run has no"):
            return [[], [], []]
        if row[0].startswith("this run"):
            keys = ("sp", "se" if definition == "strict" else "any", definition)
            sp, se, score = means(run.student, figures(*keys))
            return [sp[:1], se[:1], score]
        one = next(
            one for one in PUBLISHED if (one.method, one.definition, one.selection) == (row[0], definition, selection)
        )
        return [[float(part) for part in re.findall(r"[\d.]+", text)] for text in (one.sp, one.se, one.score)]

    return of_method


# The tables of each section, in the order of the page.
FROM_PREDICTIONS: dict[str, list[Callable[[Run, Row, Row], Numbers]]] = {
    "results": [results, differences],
    "comparisons": [tests],
    "corpora": [corpora, external],
    "classes": [confusion, classes],
    "further_metrics": [further_metrics],
    "recordings": [joined("recording_id"), joined("patient_id")],
    "groups": [groups, groups, group_pairs],
    "decision_rules": [rules],
    "calibration": [calibration, scaled_calibration],
    "published": [published(number) for number in range(len(TABLES))],
}
# Sections whose numbers do not follow from predictions: what gives them, and the test that compares them with it.
FROM_OTHERS = {
    "training": ("model.json of each network", "test_numbers.py"),
    "domains": ("tables of recordings and cycles, and features", "test_domains.py"),
    "data_checks": ("results of Great Expectations", "test_data_checks.py"),
    "provenance": ("records of the stages and the event log", "test_provenance.py"),
    "embeddings": ("embeddings.parquet, by reports/explanation.json", "test_embeddings.py"),
    "maps": ("maps.parquet, by reports/explanation.json", "test_explanation_sections.py"),
    "sharpness": ("networks and features, by reports/explanation.json", "test_explanation_sections.py"),
}
WITHOUT_TABLES = {"gallery", "reading"}
