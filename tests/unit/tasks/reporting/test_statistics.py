"""Sections of comparisons, further metrics, recordings and patients."""

import re
from dataclasses import replace

import polars as pl
import pytest

from tasks.evaluation.words import figure, interval, p_value
from tasks.reporting import model_rows, page
from tasks.reporting.run_results import RunResults
from tasks.reporting.sections import classes, comparisons, corpora, further_metrics, groups, recordings, results
from tests.unit.tasks.evaluation.example import always, cycles, facts, metrics, predict


@pytest.fixture(scope="module")
def run():
    further = [always("student/3", 0), always("teacher/idle", 1)]
    return RunResults(metrics=metrics(further=further), plots={}, cards={}, facts=facts())


def test_degenerate_models_and_teachers_that_label_nothing_are_named_in_every_row(run):
    names = [name for name, _ in model_rows.of_selection(run.metrics, "val")]
    assert names == [
        "student, mean of 3 seeds (degenerate)",
        "student seed 1",
        "student seed 2",
        "student seed 3 (degenerate)",
        "ensemble of teachers",
        "teacher a",
        "teacher b",
        "teacher idle, labels nothing (degenerate)",
    ]
    for section in (further_metrics, recordings):
        assert {row[0] for row in section.content(run)[0].rows} == set(names)
    (note,) = model_rows.of_degenerate(run.metrics, "val")
    assert note.startswith("Degenerate: student seed 3: always normal; teacher idle: always crackle. It means that ")


def test_sections_of_the_student_alone_say_that_it_is_degenerate(run, monkeypatch):
    monkeypatch.setattr(classes, "_curve", lambda *_: "")
    monkeypatch.setattr(groups, "scores", lambda *_: "")
    plots = dict.fromkeys(("roc", "precision_recall"))
    for name, section in (("classes", classes), ("groups", groups)):
        said = {marked: page._body(name, section.SECTION, replace(one, plots=plots)) for marked, one in (
            (True, run), (False, replace(run, metrics=metrics())),
        )}  # fmt: skip
        assert {marked: "The student (degenerate)" in html for marked, html in said.items()} == {
            True: True,
            False: False,
        }


def test_seeds_are_sorted_as_numbers(run):
    found = run.metrics | {"students": {str(seed): run.metrics["students"]["3"] for seed in (1, 10, 2)}}
    assert [name for name, _ in model_rows.named(found, "val")][1:4] == [f"student seed {one}" for one in (1, 2, 10)]
    assert re.findall(r"student seed (\d+)", model_rows.of_degenerate(found, "val")[0]) == ["1", "2", "10"]


def test_a_model_that_is_degenerate_in_one_selection_is_explained_for_it(run, monkeypatch):
    further = [replace(always("student/3", 0), selection=selection) for selection in ("val", "paper")]
    further[0] = replace(predict("student/3", cycles(), 3, 1.0), selection="val")
    monkeypatch.setattr(results, "scores", lambda *_: "")
    found = metrics(("val", "paper"), teachers=False, further=further)
    plots = {"ensemble_size": pl.DataFrame({"k": [], "networks": []})}
    (note,) = results.content(RunResults(metrics=found, plots=plots, cards={}, facts=facts()))["degenerate"]
    assert note.startswith("Degenerate (paper): student seed 3: always normal. It means that ")


def test_differences_have_p_values_and_the_word_degenerate(run):
    table, *notes = comparisons.content(run)
    assert [row[:2] for row in table.rows] == [
        (f"{name} (degenerate)", definition)
        for name in ("the ensemble", "the mean of the 2 teachers that label")
        for definition in ("strict", "lenient")
    ]
    score = run.metrics["student_minus"]["val"]["teachers"]["score_strict"]
    assert table.rows[2][3:5] == (p_value(score["p"]).removeprefix("= "), "6")
    assert "treats cycles as independent" in notes[0].text
    assert "does not compare two classifiers" in notes[1].text
    plain = RunResults(metrics=metrics(teachers=False), plots={}, cards={}, facts=facts())
    assert comparisons.content(plain) is None


def test_the_table_of_differences_says_whose_seeds_vary(run, monkeypatch):
    """The intervals add the variance over the seeds of the student, and none of the teachers'."""
    monkeypatch.setattr(results, "scores", lambda *_: "")
    run = replace(run, plots={"ensemble_size": pl.DataFrame({"k": [], "networks": []})})
    said = " ".join(page._body("results", results.SECTION, run).split())
    assert "what other seeds of the student would. Teachers and baselines are fixed in both." in said


def test_a_corpus_on_which_the_student_is_degenerate_is_marked_in_the_figure(run, monkeypatch):
    drawn = []
    monkeypatch.setattr(corpora, "scores", lambda rows, _label: drawn.extend(name for name, _ in rows))
    corpora.corpus_tables({"external": {"theirs": run.metrics}})
    assert drawn == ["theirs (degenerate)  (96 cycles, 8 pat.)"]


@pytest.mark.parametrize("corpora_of_run", [1, 2])
def test_devices_of_equal_names_in_two_corpora_are_said_to_be_one_group(run, monkeypatch, corpora_of_run):
    monkeypatch.setattr(groups, "scores", lambda *_: "")
    html = page._body("groups", groups.SECTION, replace(run, facts=replace(facts(), parts=(facts(),) * corpora_of_run)))
    assert ("Equal names in two corpora, as of a device, are one group." in html) == (corpora_of_run == 2)


def test_only_the_most_frequent_values_of_a_column_are_shown(run, monkeypatch):
    """As of a corpus whose locations are free text."""
    monkeypatch.setattr(groups, "MOST", 2)
    column, row = run.facts.group_columns[1], run.metrics["student"]["val"]["groups"]["sex"]["F"]
    cycles_of = {"a": 5, "b": 9, "c": 7, "d": 6}
    shown = groups.group_table(column, {name: row | {"cycles": number} for name, number in cycles_of.items()})
    assert (list(shown["rows"]), shown["others"]) == (["b", "c"], 2)
    cell = row | {"low": None, "high": None}
    cells = [cell | {"values": [name, "F"], "cycles": number} for name, number in cycles_of.items()]
    pair = groups.pair_table([column, run.facts.group_columns[3]], {"cells": cells})
    assert (list(pair["rows"]), pair["columns"], pair["others"]) == (["b", "c"], ["female"], 2)


@pytest.mark.parametrize(("normal", "abnormal", "few"), [(9, 9, False), (9, 4, True), (4, 9, True), (5, 5, False)])
def test_groups_with_few_patients_of_either_kind_are_marked(run, normal, abnormal, few):
    """Nine patients, of whom one has abnormal cycles, give a Score that is as uncertain as that of one patient."""
    row = run.metrics["student"]["val"]["groups"]["sex"]["F"] | {"patients": 9}
    row |= {"patients_normal": normal, "patients_abnormal": abnormal}
    sex = next(column for column in run.facts.group_columns if column.column == "sex")
    shown = groups.group_table(sex, {"F": row})["rows"]["female"]
    assert shown["mark"] == ("†" if few else "")


def test_the_prevalence_of_predictive_values_is_stated(run):
    (table, _) = further_metrics.content(run)
    assert "a prevalence of abnormal cycles of 65.6 %: the share of abnormal cycles in this test set" in table.caption
    student = run.metrics["student"]["val"]["further"]["mcc"]
    assert table.rows[0][3] == f"{student['mean']:.2f} ± {student['sd']:.2f}"
    assert table.rows[3][5] == "–", "a model that always says normal has no PPV"


def test_recordings_and_patients_are_counted(run):
    by_recording, by_patient, _ = recordings.content(run)
    assert by_recording.caption.startswith("8 recordings, 7 of them abnormal.")
    assert by_patient.caption.endswith("In brackets: 95 % intervals over patients, with networks fixed.")
    assert by_patient.title == "Per patient"
    ensemble = run.metrics["ensemble"]["val"]["by_patient"]["max"]
    row = next(row for row in by_patient.rows if row[:2] == ("ensemble of teachers", "max"))
    assert row[4].startswith(f"{ensemble['score_strict']:.1f}")


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.0004, "< 0.001"), (0.03125, "= 0.031"), (1.0, "= 1.000")])
def test_p_values_are_never_shown_as_zero(value, text):
    assert p_value(value) == text


def test_figures_have_a_minus_sign_and_no_negative_zero():
    assert [figure(value) for value in (-23.44, -0.04, 0.06, None)] == ["−23.4", "0.0", "0.1", "–"]
    assert interval(-30.1, -20.2, " to ") == "−30.1 to −20.2"
