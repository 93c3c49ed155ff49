import json
import webbrowser
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from cli.main import app
from tasks.evaluation.settings import AugmentationSettings
from tasks.evaluation.words import TWO_SEEDS
from tests.unit.tasks.evaluation.example import SETTINGS, always, metrics


@pytest.fixture
def evaluated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def write(**arguments):
        found = metrics(**arguments)
        (tmp_path / "reports").mkdir(exist_ok=True)
        (tmp_path / "reports/metrics.json").write_text(json.dumps(found, sort_keys=True))
        (tmp_path / "reports/report.html").write_text("page")
        return found

    return write


def test_the_table_shows_all_models_and_paths(evaluated):
    found = evaluated(selections=("val", "paper"))
    printed = CliRunner().invoke(app, ["report"]).stdout
    score = found["student"]["val"]["score_strict"]
    student = next(line for line in printed.splitlines() if line.strip().startswith("student, 2 seeds"))
    assert f"{score['mean']:.1f} ± {score['sd']:.1f}" in student
    assert f"{score['low']:.1f}–{score['high']:.1f}" in student
    assert all(word in printed for word in ("ensemble", "teacher a", "teacher b", "always “normal”"))
    assert all(word in printed for word in ("(val)", "(paper)", "not comparable with published", "report.html"))
    assert "predictions.parquet" not in printed, "the file is missing"
    assert max(map(len, printed.splitlines()[:-2])) <= 80


def test_test_time_augmentation_is_named(evaluated):
    named = "test-time augmentation: mean of 4 shifted clips of each cycle; `breathline predict` does not use it"
    for shifts in (1, 4):
        evaluated(settings=replace(SETTINGS, augmentation=AugmentationSettings(shifts=shifts)))
        assert (named in " ".join(CliRunner().invoke(app, ["report"]).stdout.split())) == (shifts > 1)


def test_comparisons_say_whether_other_seeds_are_meant(evaluated):
    evaluated()
    printed = " ".join(CliRunner().invoke(app, ["report"]).stdout.split())
    assert "over patients and seeds:" in printed
    assert TWO_SEEDS in printed
    for name in ("the ensemble", "the mean of the 2 teachers that label"):
        line = printed.partition(f"student − {name}: ")[2].partition(")")[0]
        assert "(networks fixed: " in line
        assert "; patients and seeds: " in line


def test_baselines_are_shown_beside_the_student_and_compared_with_it(evaluated):
    evaluated(further=[always("teacher/plain", 1)], baselines=("teacher/plain",))
    printed = CliRunner().invoke(app, ["report"]).stdout
    rows = [line.split("  ")[0].strip() for line in printed.splitlines()]
    assert rows.index("baseline plain (!)") == rows.index("student, 2 seeds") + 1
    text = " ".join(printed.split())
    assert "student − the baseline: " in text
    assert "(!) baseline plain is degenerate: always crackle" in text
    assert "label nothing" not in text


def test_a_comparison_without_an_interval_is_shown_with_its_difference(evaluated, tmp_path):
    """As where one class is predicted always: no patient differs from another."""
    found = evaluated()
    for row in found["student_minus"]["val"].values():
        row["score_strict"] |= {"difference": -2.5, "p": 0.03, "low": None, "high": None}
        row["score_strict"] |= {"low_seeds": None, "high_seeds": None}
    (tmp_path / "reports/metrics.json").write_text(json.dumps(found))
    done = CliRunner().invoke(app, ["report"])
    assert done.exit_code == 0
    assert "student − the ensemble: −2.5 points of strict Score, p = 0.030\n" in done.stdout


def test_degenerate_models_and_teachers_without_labels_are_named_in_80_columns(evaluated):
    evaluated(further=[always("student/3", 0), always("teacher/idle", 1)])
    lines = CliRunner().invoke(app, ["report"]).stdout.splitlines()
    assert not [line for line in lines if "…" in line], "no digit is cut off"
    first = [line.split("  ")[0].strip() for line in lines]
    rows = [name for name in first if name.startswith(("student, 3", "teacher", "always"))]
    assert rows == ["student, 3 seeds", "teacher a", "teacher b", "always “normal”", "teacher idle (!)"]
    assert "(!)" in first
    text = " ".join(" ".join(lines).split())
    assert "(!) student is degenerate: always normal: student/3" in text
    assert "(!) teacher idle is degenerate: always crackle" in text
    assert "label nothing, and are in no comparison: teacher idle" in text
    told = [text[at : at + 220] for at in range(len(text)) if text.startswith("student − ", at)]
    assert [one.split(":")[0] for one in told] == [
        "student − the ensemble",
        "student − the mean of the 2 teachers that label",
    ]
    assert all("degenerate: always normal: student/3" in one for one in told)
    assert max(map(len, lines[:-2])) <= 80


def test_further_metrics_and_results_per_recording_are_printed(evaluated):
    found = evaluated()["student"]["val"]
    printed = CliRunner().invoke(app, ["report"]).stdout
    further, patients = found["further"], found["by_patient"]
    assert f"MCC {further['mcc']['mean']:.2f}, κ {further['kappa']['mean']:.2f}" in printed
    assert f"NPV {further['npv']['mean']:.1f} at a prevalence of 65.6 % abnormal (test cycles)" in printed
    scores = f"{patients['majority']['score_strict']:.1f} by majority, {patients['max']['score_strict']:.1f} by max"
    assert f"per patient (8, 7 abnormal): strict Score {scores}" in printed


def test_results_without_teachers_are_shown(evaluated):
    evaluated(teachers=False)
    done = CliRunner().invoke(app, ["report"])
    assert done.exit_code == 0
    assert "A part of the other corpus" in done.stdout
    assert "student −" not in done.stdout


def test_each_corpus_has_a_row_of_its_own(evaluated, tmp_path):
    found = evaluated()
    assert "on each corpus" not in CliRunner().invoke(app, ["report"]).stdout
    part = {"student": found["student"]}
    several = {**found, "corpora": {"icbhi": part, "ward": part}, "external": {"clinic": part}}
    (tmp_path / "reports/metrics.json").write_text(json.dumps(several))
    printed = CliRunner().invoke(app, ["report"]).stdout
    rows = [line.split("  ")[0].strip() for line in printed.partition("on each corpus")[2].splitlines()]
    assert " ".join(rows[3:7]) == "icbhi ward clinic, only tested on"
    assert max(map(len, printed.splitlines()[:-2])) <= 80


def test_open_shows_the_page(evaluated, monkeypatch, tmp_path):
    evaluated()
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert CliRunner().invoke(app, ["report", "--open"]).exit_code == 0
    assert opened == [(tmp_path / "reports/report.html").as_uri()]


def test_without_an_evaluation_the_error_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["report"])
    assert done.exit_code == 1
    assert "Nothing has been evaluated yet" in done.stderr
    assert "dvc repro" in done.stderr
