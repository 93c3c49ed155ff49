"""Numbers of the report's tables from predictions: a list for each cell of a row but the first."""

import re
from collections.abc import Callable

import numpy as np
import polars as pl
from sklearn.metrics import confusion_matrix

from tests.recompute import limits, scores
from tests.recompute.html_page import Table
from tests.recompute.numbers import Spread
from tests.recompute.run import ALWAYS, BOTH, DEGENERATE, Run
from tests.recompute.scores import with_threshold

FEW, MARK, MOST = 5, "†", 20  # patients with normal, or with abnormal, cycles; shown values of a column
Row = list[str]
Numbers = list[list[float] | str]  # numbers of a cell, or its whole text
Recompute = Callable[[Run, Table, Row], Numbers]
RecomputeText = Callable[[Run, re.Match[str]], list[float]]


def means(rows: pl.DataFrame, figures: Callable[[pl.DataFrame], list[float]]) -> Numbers:
    """Return the mean of each figure over networks, and with several ones its standard deviation."""
    each = np.array([figures(part) for part in scores.networks(rows)])
    return [Spread([one.mean(), one.std(ddof=1)]) if len(each) > 1 else [one.mean()] for one in each.T]


def figures(*keys: str) -> Callable[[pl.DataFrame], list[float]]:
    return lambda rows: [scores.scores(rows)[key] for key in keys]


def results(selection: str) -> Recompute:
    def of_models(run: Run, _: Table, row: Row) -> Numbers:
        rows = run.of(row[0], selection)
        if always := row[0].startswith(ALWAYS):
            rows = scores.networks(rows)[0]
        sp, strict, se, lenient, detected = means(rows, figures("sp", "strict", "se", "lenient", "any"))
        spans = [[], []] if always else [limits.interval(rows, one, run.level) for one in BOTH]
        return [sp[:1], strict, spans[0], se[:1], lenient, spans[1], detected[:1]]

    return of_models


def challenge(run: Run, table: Table, row: Row) -> Numbers:
    rows = run.of(row[0], re.search(r"\((val|paper)\)", table.title)[1])
    each = [scores.challenge(part, run.classes) for part in scores.networks(rows)]
    return [[np.mean([one[name] for one in each])] for name in table.header[1:]]


def differences(run: Run, _: Table, row: Row) -> Numbers:
    found = [limits.difference(run.student, run.of(row[0]), one, run.level) for one in BOTH]
    return [part for one in found for part in (one[:1], one[1:3] if row[0].endswith("fixed") else one[3:])]


def tests(run: Run, _: Table, row: Row) -> Numbers:
    other, definition = run.of(row[0]), row[1]
    pairs = limits.mcnemar(run.student, other, definition)
    difference = limits.difference(run.student, other, definition, run.level)[0]
    swapped = limits.p_by_patient(run.student, other, definition, run.evaluation["resamples"])
    ends = [pairs[0], pairs[-1]] if len({_p(pairs[0]), _p(pairs[-1])}) > 1 else pairs[:1]
    return [definition, [difference], [swapped], [len(pairs)], ends]


def _p(value: float) -> str:
    return "< 0.001" if round(value, 4) < 0.001 else f"{round(value, 4):.3f}"


def confusion(run: Run, _: Table, row: Row) -> Numbers:
    classes = range(len(run.classes))
    counts = confusion_matrix(run.student["label"], run.student["predicted"], labels=classes)
    own = counts[run.classes.index(row[0])]
    return [[100 * count / own.sum() if own.any() else np.nan, count] for count in own]


def classes(run: Run, _: Table, row: Row) -> Numbers:
    at = run.classes.index(row[0])
    return [[one] for one in scores.of_classes(run.student, run.columns[at], at)]


def further_metrics(run: Run, _: Table, row: Row) -> Numbers:
    return means(run.of(row[0]), lambda part: scores.further_metrics(part, run.evaluation["prevalence"]))


def joined(unit: str) -> Recompute:
    def of_unit(run: Run, _: Table, row: Row) -> Numbers:
        parts = [scores.joined(part, unit, row[1], run.columns) for part in scores.networks(run.of(row[0]))]
        sp, se, strict, detected, lenient = (
            [one.mean()]
            for one in np.array([figures("sp", "se", "strict", "any", "lenient")(part) for part in parts]).T
        )
        spans = [limits.interval(pl.concat(parts), one, run.level) for one in BOTH]
        return [row[1], sp, se, strict + spans[0], detected, lenient + spans[1]]

    return of_unit


def sizes(rows: pl.DataFrame) -> Numbers:
    """Return the numbers of cycles and of patients."""
    return [[rows["cycle_id"].n_unique()], [rows["patient_id"].n_unique()]]


def few(rows: pl.DataFrame) -> bool:
    """Return whether there are too few patients with normal, or with abnormal, cycles."""
    parts = (rows.filter(one) for one in (pl.col("label") == 0, pl.col("label") > 0))
    return min(part["patient_id"].n_unique() for part in parts) < FEW


def values_of(run: Run, group: dict) -> dict[str, pl.DataFrame]:
    """Return the student's predictions on the most frequent values of a column of groups, by the words for each."""
    counts = run.student[group["column"]].value_counts().sort("count", group["column"], descending=[True, False])
    values = sorted(counts[group["column"]].head(MOST))
    parts = {value: run.student.filter(pl.col(group["column"]) == value) for value in values}
    return {f"{group['values'].get(one, one)}{MARK if few(part) else ''}": part for one, part in parts.items()}


def corpora(run: Run, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the student's predictions on each corpus, by its name with the mark of a degenerate network."""
    own = rows.filter(pl.col("model").str.starts_with("student/"), selection="val")
    parts = {name: own.filter(corpus=name) for name in sorted(own["corpus"].unique())}
    return {run.marked(name, part): part for name, part in parts.items()}


def value_of(group: dict, words: str) -> str:
    """Return the value of a column of groups that words of the page stand for."""
    return next((value for value, word in group["values"].items() if word == words), words)


def groups(run: Run, table: Table, row: Row) -> Numbers:
    column = run.group(table.header[0])
    inside = pl.col(column["column"]) == value_of(column, row[0].removesuffix(MARK))
    own, gap = group(run, inside)
    score = scores.scores(own)
    spans = [limits.interval(own, one, run.level) for one in BOTH]
    cells = [[score["sp"]], [score["se"]], [score["strict"], *spans[0]], [score["any"]], [score["lenient"], *spans[1]]]
    return [*sizes(own), *cells, gap]


def group_pairs(run: Run, table: Table, row: Row) -> Numbers:
    down, across = (run.group(title) for title in table.title.partition(":")[0].split(" × "))
    cells: Numbers = []
    for words, cell in zip(table.header[1:], row[1:], strict=True):
        inside = (pl.col(down["column"]) == value_of(down, row[0])) & (
            pl.col(across["column"]) == value_of(across, words)
        )
        own, gap = group(run, inside)
        if not own.height:
            cells.append([])
            continue
        score = scores.scores(own)["strict"]
        if (MARK in cell) != (few(own) and np.isfinite(score)):
            raise LookupError(f"{MARK} is for fewer than {FEW} patients with normal or with abnormal cycles")
        cells.append([score, *limits.interval(own, "strict", run.level), *gap, *(one for [one] in sizes(own))])
    return cells


def group(run: Run, inside: pl.Expr) -> tuple[pl.DataFrame, list[float]]:
    """Return the predictions of a group, and the gap of its Score to all other cycles, with limits."""
    own, rest = run.student.filter(inside), run.student.filter(~inside)
    return own, limits.difference(own, rest, "strict", run.level)[:3] if own.height and rest.height else []


def rules(run: Run, _: Table, row: Row) -> Numbers:
    rows, rule = run.of(row[0]), re.match(r"\w+", row[1])[0]
    parts, known = scores.networks(rows), run.thresholds(rows)
    called = [with_threshold(part, run.columns, one) for part, one in zip(parts, known[rule], strict=True)]
    own = [run.rule(part["model"][0]).get("threshold") for part in parts]
    applied = next(name for name, thresholds in known.items() if thresholds == own)
    if (applied == rule) != (", applied" in row[1]):
        raise LookupError(f"the rule of the model is {applied}")
    if run.marked("", pl.concat(called)) != (DEGENERATE if DEGENERATE in row[1] else ""):
        raise LookupError(f"{row[1]}: the mark of degenerate networks is wrong")
    minus, taus = [], [one for one in known[rule] if one is not None]
    if rule != "argmax":
        argmax = pl.concat([with_threshold(part, run.columns, None) for part in parts])
        sources = 5 if len(parts) > 1 else 3
        minus = limits.difference(pl.concat(called), argmax, "strict", run.level, paired=True)[:sources]
    *first, last = means(pl.concat(called), figures("sp", "se", "strict", "lenient"))
    return [[np.mean(taus)] if taus else [], *first, minus, last]


def calibration(run: Run, _: Table, row: Row) -> Numbers:
    return [[one] for one in scores.calibration(run.of(row[0]), run.columns, run.evaluation["calibration_bins"])]


def scaled_calibration(run: Run, _: Table, row: Row) -> Numbers:
    rows = run.of(row[0])
    found = scores.calibration(run.with_temperature(rows), run.columns, run.evaluation["calibration_bins"])
    return [[np.mean(run.temperatures(rows))], *([one] for one in found)]


def split_of(run: Run, corpus: str) -> str:
    """Return the split by which a training corpus, or an external one, was tested."""
    split, external = run.params["split"], run.params["external"]
    if corpus in external:
        return str(external[corpus].get("test", "all"))
    return str(split[corpus] if isinstance(split, dict) else split)


def of_corpus(rows: Callable[[Run], pl.DataFrame]) -> Recompute:
    def figures_of(run: Run, _: Table, row: Row) -> Numbers:
        name = row[0].partition(DEGENERATE)[0]
        own = corpora(run, rows(run))[row[0]]
        score = scores.scores(own)
        both = [part for one in BOTH for part in ([score[one]], limits.interval(own, one, run.level))]
        return [split_of(run, name), *sizes(own), *both, [score["sp"]], [score["se"]], [score["any"]]]

    return figures_of


def published(run: Run, table: Table, row: Row) -> Numbers:
    definition = table.title.partition(",")[0].lower()
    selection = "paper" if table.title.endswith("(paper)") else "val"
    if row[0].startswith("this run has no"):
        return [[], [], []]
    if row[0].startswith("this run"):
        rows = run.of(next(iter(run.names)), selection)
        sp, se, score = means(rows, figures("sp", "se" if definition == "strict" else "any", definition))
        return [sp[:1], se[:1], score]
    kind = {"method": row[0], "definition": definition, "selection": selection, "labels": run.params["labels"]}
    one = next(one for one in run.facts["published"] if kind.items() <= one.items() and one["split"] == run.split)
    return [one[key] for key in ("sp", "se", "score")]


# The tables of each section that follow from predictions: the beginning of a title, and its numbers.
TABLES: tuple[tuple[str, str, Recompute], ...] = (
    ("results", "Epoch chosen on validation patients", results("val")),
    ("results", "Epoch chosen on the test set", results("paper")),
    ("results", "Metrics of the corpus's own challenge", challenge),
    ("results", "The student minus its teachers", differences),
    ("comparisons", "Differences in points of Score", tests),
    ("classes", "Confusion matrix", confusion),
    ("classes", "Figures of each class", classes),
    ("further_metrics", "PPV and NPV hold", further_metrics),
    ("corpora", "Test side of each training corpus, by its own head", of_corpus(lambda run: run.native)),
    ("corpora", "Test side of each training corpus", of_corpus(lambda run: run.test)),
    ("corpora", "External corpora", of_corpus(lambda run: run.external)),
    ("recordings", "Per recording", joined("recording_id")),
    ("recordings", "Per patient", joined("patient_id")),
    ("groups", r".* × .*: strict Score and gap", group_pairs),
    ("groups", "", groups),
    ("decision_rules", "Figures of each rule", rules),
    ("calibration", "With the temperature", scaled_calibration),
    ("calibration", "", calibration),
    ("published", "Strict|Lenient", published),
)
