"""The numbers on the page against those that predictions.parquet gives by other code."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix

from tasks.reporting import page
from tests.unit.tasks.evaluation.example import CLASSES, SETTINGS
from tests.unit.tasks.reporting import example, recomputed
from tests.unit.tasks.reporting.html_tables import Tables
from tests.unit.tasks.reporting.recomputed import close, number


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Return the predictions of the student's seeds and of all models, and the tables of the page."""
    example.write(root := tmp_path_factory.mktemp("run"))
    run = example.results(root)
    rows = run.predictions.filter(pl.col("selection") == "val")
    rows = rows.join(run.cycles.drop("label", "patient_id", "recording_id", "corpus"), on="cycle_id")
    return rows.filter(pl.col("model").str.starts_with("student/")), rows, Tables(page.render(run))


def of_model(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the predictions of the model that a row of a table names."""
    if name.startswith("student, mean of"):
        return rows.filter(pl.col("model").str.starts_with("student/"))
    words = name.partition(" (")[0].replace("student seed ", "student/").replace("teacher ", "teacher/")
    return rows.filter(pl.col("model") == words.replace("ensemble of teachers", "ensemble"))


@pytest.mark.slow
def test_scores_of_every_model(shown):
    _, rows, tables = shown
    found = tables.rows("results")[2:]
    for name, *cells in found[1:-1]:
        own = recomputed.scores(of_model(rows, name))
        close([cells[at] for at in (0, 1, 3, 4, 6)], [own[key] for key in ("sp", "strict", "se", "lenient", "any")])
    assert found[0][0] == "student, mean of 2 seeds"


def test_the_mean_over_seeds_and_its_spread(shown):
    students, _, tables = shown
    each = [recomputed.scores(part)["strict"] for _, part in students.group_by("model")]
    cell = tables.rows("results")[2][2]
    assert number(cell) == pytest.approx(np.mean(each), abs=0.06)
    assert float(cell.rpartition("± ")[2]) == pytest.approx(np.std(each, ddof=1), abs=0.06)


def test_intervals_of_every_model(shown):
    _, rows, tables = shown
    found = tables.rows("results")[2:-1]
    assert len(found) == 6
    for name, *cells in found:
        for at, definition in ((2, "strict"), (5, "lenient")):
            close(cells[at].split(" to "), recomputed.interval(of_model(rows, name), definition))


def test_the_student_minus_its_teachers(shown):
    students, rows, tables = shown
    sides = {"the ensemble": "ensemble", "the mean of the 2 teachers that label": "teacher/"}
    found = tables.rows("results", 1)[1:]
    assert len(found) == 2 * len(sides)
    for name, *cells in found:
        fixed, title = name.endswith(" networks fixed"), name.removesuffix(" networks fixed")
        prefix = sides[title.removesuffix(" patients and seeds")]
        other = rows.filter(pl.col("model").str.starts_with(prefix))
        for at, definition in ((0, "strict"), (2, "lenient")):
            value = recomputed.difference(students, other, definition, seeds=False)
            if not fixed:
                over_seeds = recomputed.difference(students, other, definition, seeds=True)
                value = [value[0], min(value[1], over_seeds[1]), max(value[2], over_seeds[2])]
            close([cells[at], *cells[at + 1].split(" to ")], value)


def test_calibration_of_every_model(shown):
    _, rows, tables = shown
    found = tables.rows("calibration")[1:]
    assert len(found) == 6
    for name, *cells in found:
        own = recomputed.calibration(of_model(rows, name), list(CLASSES), SETTINGS.calibration_bins)
        close(cells, own, 3)


def test_figures_of_the_most_probable_class(shown):
    _, rows, tables = shown
    probabilities = rows.select(f"p_{name}" for name in CLASSES).to_numpy()
    rows = rows.with_columns(predicted=pl.Series(probabilities.argmax(axis=1)))
    found = tables.rows("decision_rules")[1:]
    assert len(found) == 4
    for name, rule, *cells in found:
        own = recomputed.scores(of_model(rows, name))
        assert rule == "argmax, applied"
        close([cells[at] for at in (0, 1, 2, 4)], [own[key] for key in ("sp", "se", "strict", "lenient")])


def test_confusion_and_figures_of_each_class(shown):
    students, _, tables = shown
    counts = confusion_matrix(students["label"], students["predicted"])
    cells = [row[1:] for row in tables.rows("classes")[1:]]
    assert [[int(cell.rpartition("%")[2]) for cell in row] for row in cells] == counts.tolist()
    for at, (name, *found) in enumerate(tables.rows("classes", 1)[1:]):
        values = recomputed.of_classes(students, list(CLASSES), at)
        assert name == CLASSES[at]
        close(found[:4], values[:4])
        close(found[4:], values[4:], 3)


def test_further_metrics(shown):
    _, rows, tables = shown
    for name, *cells in tables.rows("further_metrics")[2:]:
        own = recomputed.further_metrics(of_model(rows, name))
        close(cells[:2], own[:2])
        close(cells[2:4], own[2:], 2)


def test_predictive_values_at_the_prevalence_of_the_test_set_are_precisions(shown):
    _, rows, tables = shown
    for name, *cells in tables.rows("further_metrics")[2:]:
        own = of_model(rows, name)
        true, called = own["label"] > 0, own["predicted"] > 0
        close(cells[4:], [100 * (true & called).sum() / called.sum(), 100 * (~true & ~called).sum() / (~called).sum()])


@pytest.mark.parametrize(("number", "unit"), [(0, "recording_id"), (1, "patient_id")])
def test_results_of_recordings_and_patients(shown, number, unit):
    _, rows, tables = shown
    for name, rule, *cells in tables.rows("recordings", number)[3:]:
        own = recomputed.scores(recomputed.joined(of_model(rows, name), unit, rule, list(CLASSES)))
        close([cells[at] for at in range(5)], [own[key] for key in ("sp", "se", "strict", "any", "lenient")])


def test_p_values_of_the_student_and_the_ensemble(shown):
    students, rows, tables = shown
    ensemble = rows.filter(pl.col("model") == "ensemble")
    strict = tables.rows("comparisons")[1]
    assert strict[:2] == ["the ensemble", "strict"]
    assert float(strict[3]) == pytest.approx(recomputed.p_by_patient(students, ensemble), abs=0.001)
    pairs = [recomputed.mcnemar(part, ensemble) for _, part in students.group_by("model")]
    close(strict[5].split(" to "), [min(pairs), max(pairs)], 3)


def test_groups_their_gaps_and_pairs(shown):
    students, _, tables = shown
    values, seen = {"female": "F", "male": "M"}, 0
    for (title, *columns), *rows in tables.found["groups"]:
        for name, *cells in rows if title in ("device", "sex") else ():
            mask = pl.col(title) == values.get(name.strip("†"), name.strip("†"))
            own, rest = recomputed.scores(students.filter(mask)), recomputed.scores(students.filter(~mask))
            if not np.isnan(own["strict"] + rest["strict"]):
                close(cells[2:7], [own[key] for key in ("sp", "se", "strict", "any", "lenient")])
                close([cells[7]], [own["strict"] - rest["strict"]])
                seen += 1
        for device, *pair in rows if (title, columns) == ("", ["female", "male"]) else ():
            for sex, cell in zip("FM", pair, strict=True):
                own = recomputed.scores(students.filter((pl.col("device") == device) & (pl.col("sex") == sex)))
                rest = recomputed.scores(students.filter((pl.col("device") != device) | (pl.col("sex") != sex)))
                if not np.isnan(own["strict"]):
                    close([cell, cell.partition("gap ")[2]], [own["strict"], own["strict"] - rest["strict"]])
                    assert cell.count(" to ") == 1, "interval of the gap"
                    seen += 1
    assert seen >= 4
