"""Runs side by side: sources, paired differences, reasons for their absence, and the page."""

import hashlib
import json
import re
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.main import app
from flows.run_comparison import page, texts
from flows.run_comparison.comparison import compare
from tasks.evaluation.words import TWO_SEEDS
from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.documents.json_keys import documented, keys
from tests.recompute import html_page
from tests.unit.tasks.evaluation.example import CLASSES, metrics
from tests.unit.tasks.reporting import example

PREDICTIONS = "data/evaluation/predictions.parquet"
NORMAL = pl.col("label") == 0
WHEEZES = pl.col("label") == CLASSES.index("wheeze")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return an evaluated project whose results are committed as v1, with predictions in DVC's cache."""
    root = tmp_path_factory.mktemp("run")
    example.write(root)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(toy.ROOT / name, root)
    (root / "reports/plots").mkdir(parents=True)
    (root / "reports/metrics.json").write_text(json.dumps(metrics()))
    history = {"model": ["student/1", "student/1", "student/2"], "epoch": [1, 2, 1], "train_loss": [1.5, 1.0, 1.2]}
    pl.DataFrame(history).with_columns(val_score_strict=50.0).write_csv(root / "reports/plots/training.csv")
    table = (root / PREDICTIONS).read_bytes()
    md5 = hashlib.md5(table, usedforsecurity=False).hexdigest()
    stored = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    stored.parent.mkdir(parents=True)
    stored.write_bytes(table)
    (root / "dvc.lock").write_text(
        f"schema: '2.0'\nstages:\n  evaluate:\n    cmd: x\n    outs:\n    - {{path: {PREDICTIONS}, md5: {md5}}}\n"
    )
    toy.call(root, "git", "init", "--quiet")
    toy.call(root, "git", "add", "params.yaml", "dvc.yaml", "dvc.lock", "reports")
    toy.call(root, "git", "commit", "--quiet", "--message", "run")
    toy.call(root, "git", "tag", "v1")
    return root


@pytest.fixture
def root(run, tmp_path, monkeypatch) -> Path:
    folder = shutil.copytree(run, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


def change(root: Path, where, value) -> None:
    """Set the predicted class of some rows of the project's predictions."""
    table = pl.read_parquet(root / PREDICTIONS)
    new = pl.when(where).then(value).otherwise("predicted").cast(pl.Int8)
    table.with_columns(predicted=new).write_parquet(root / PREDICTIONS)


def workspace(root: Path, recipe: str) -> Path:
    """Return a copy of the project as the workspace of a recipe."""
    folder = root / ".leaderboard" / recipe
    for name in ("params.yaml", "dvc.yaml", "reports/metrics.json", PREDICTIONS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    return folder


def names_in_figures(compared) -> set[str]:
    """Return the names of runs in the figures of the page."""
    found = re.findall(r"<text[^>]*>([^<]*)</text>", page.render(compared))
    return {text for text in found if text.startswith(("this project", "dead", "mn_sam"))}


@pytest.mark.slow
def test_a_revision_an_experiment_and_a_recipe_are_found_by_name(root):
    toy.call(root, "git", "update-ref", f"refs/exps/ab/{'c' * 38}/deep-owl", "v1")
    workspace(root, "mn_sam")
    workspace(root, "mn_weighted--small")
    change(root, NORMAL, 0)
    found = compare(root, ["v1", "deep-owl", "mn_sam", "mn_weighted"])
    assert [one.unpaired for one in found.others] == [""] * 4
    assert found.others[0].source.mismatch == ""
    assert any(note.startswith("this project: its figures are of other predictions (sc") for note in texts.notes(found))
    revision, experiment, recipe, _ = (one.scores["score_strict"]["difference"] for one in found.others)
    # The project now finds all normal cycles; the others do not.
    assert revision == experiment == recipe < 0


def test_differences_are_those_of_all_cycles_of_each_class_and_of_each_group(root):
    change(root, NORMAL | WHEEZES, 0)
    other = workspace(root, "mn_sam")
    change(other, WHEEZES, CLASSES.index("wheeze"))
    (one,) = compare(root, ["mn_sam"]).others
    # All wheezes more, for every patient alike: 100 points of their recall, and a third of them of strict Se.
    assert {name: row["difference"] for name, row in one.classes.items()} == {
        "normal": 0.0,
        "crackle": 0.0,
        "wheeze": 100.0,
        "both": 0.0,
    }
    assert one.scores["score_strict"]["difference"] == pytest.approx(100 / 6, abs=0.01)
    assert set(one.groups) == {"Device", "Chest location", "Age", "Sex"}
    assert one.groups["Sex"]["female"]["score_strict"]["difference"] == pytest.approx(100 / 6, abs=0.01)
    assert one.groups["Device"]["LittC2SE"]["score_strict"]["difference"] is None, "it has no abnormal cycle"


def test_intervals_of_a_difference_are_paired_over_patients(root):
    other = workspace(root, "mn_sam")
    change(other, WHEEZES & pl.col("patient_id").is_in(["101", "103"]), CLASSES.index("wheeze"))
    (one,) = (compared := compare(root, ["mn_sam"])).others
    assert TWO_SEEDS in list(texts.notes(compared))
    found = one.scores["score_strict"]
    assert found["low"] < found["difference"] < found["high"]
    assert found["low_seeds"] <= found["low"]
    wheeze = one.classes["wheeze"]
    assert wheeze["low"] < wheeze["difference"] < wheeze["high"]


def test_changed_settings_are_listed_with_both_values(root):
    text = (root / "params.yaml").read_text()
    size = yaml_files.load_mapping(root / "params.yaml")["student"]["batch_size"]
    (workspace(root, "mn_sam") / "params.yaml").write_text(text.replace(f"batch_size: {size}", "batch_size: 77"))
    found = compare(root, ["mn_sam"])
    assert ["student.batch_size", str(size), "77"] in texts.settings(found)
    assert f"student.batch_size: {size} → 77" in list(texts.changes(found.others[0]))


def test_other_test_sets_and_labels_are_refused_for_pairs_with_words(root):
    others = {
        "fewer": pl.col("patient_id") != "101",
        "relabelled": pl.lit(value=True),
    }
    for name, kept in others.items():
        folder = workspace(root, name)
        table = pl.read_parquet(folder / PREDICTIONS).filter(kept)
        if name == "relabelled":
            table = table.with_columns(label=pl.when(WHEEZES).then(0).otherwise("label").cast(pl.Int8))
        table.write_parquet(folder / PREDICTIONS)
    classes = workspace(root, "classes") / "reports/metrics.json"
    classes.write_text(json.dumps(metrics() | {"classes": ["normal", "abnormal"], "labels": "lungsound_2"}))
    found = compare(root, ["fewer", "relabelled", "classes", "v1"])
    assert [one.unpaired for one in found.others] == [
        "the test sets differ: 96 cycles here, 84 there, 84 in both",
        "21 test cycles have another label or patient",
        "the classes differ: normal, crackle, wheeze, both here, normal, abnormal there",
        "all predictions are equal",
    ]
    assert all(not one.scores for one in found.others)
    assert "classes: its labels are lungsound_2, so that its Scores cannot be compared." in list(texts.notes(found))


@pytest.mark.slow
def test_predictions_that_the_cache_lacks_leave_the_figures_without_differences(root):
    shutil.rmtree(root / ".dvc/cache")
    (one,) = compare(root, ["v1"]).others
    assert one.unpaired == "the predictions of `v1` are not in DVC's cache (`dvc fetch --all-commits`)"
    done = CliRunner().invoke(app, ["report", "--compare", "v1"])
    assert done.exit_code == 0, done.output
    assert "v1: no paired difference, because the predictions" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "There is no run `nonsense`."),
        ("empty", "The run `empty` has no figures of a student."),
        ("twice", "2 experiments are called `twice`."),
        ("bare", "The revision has no dvc.lock"),
    ],
)
def test_a_run_that_cannot_be_read_is_an_error_with_a_next_step(root, name, message):
    (root / ".leaderboard/empty").mkdir(parents=True)
    shutil.copy(root / "dvc.yaml", root / ".leaderboard/empty")
    toy.call(root, "git", "rm", "--quiet", "dvc.lock")
    toy.call(root, "git", "commit", "--quiet", "--message", "bare")
    toy.call(root, "git", "tag", "bare")
    for number, commit in enumerate(("v1", "bare")):
        toy.call(root, "git", "update-ref", f"refs/exps/a{number}/{'c' * 38}/twice", commit)
    with pytest.raises(BreathlineError) as caught:
        compare(root, [name])
    assert message in str(caught.value)
    assert caught.value.hint


def test_a_history_without_a_column_is_an_error_with_a_next_step(root):
    (workspace(root, "mn_sam") / "reports/plots").mkdir()
    (root / ".leaderboard/mn_sam/reports/plots/training.csv").write_text("model,epoch\nstudent/1,1\n")
    with pytest.raises(BreathlineError, match=r"has no column train_loss, val_score_strict") as caught:
        compare(root, ["mn_sam"])
    assert caught.value.hint.startswith("`dvc repro evaluate`")


def test_with_one_abnormal_class_strict_and_lenient_are_one_table(root):
    workspace(root, "mn_sam")
    change(root, NORMAL, 0)
    compared = compare(root, ["mn_sam"])
    two = replace(compared.first, metrics=compared.first.metrics | {"classes": ["normal", "crackle"]})
    compared = replace(compared, first=two)
    assert [block.kind for block in islice(page._results(compared), 2)] == ["table", "picture"]
    assert next(page._groups(compared)).columns[1:] == ["mn_sam, strict"]


def test_a_run_that_is_degenerate_on_a_group_alone_is_marked_there(root):
    change(workspace(root, "mn_sam"), pl.col("patient_id").cast(pl.Int64) % 2 == 1, 0)  # all patients of one sex
    (one,) = (compared := compare(root, ["mn_sam"])).others
    assert (one.degenerate, one.degenerate_groups) == ("", {"Sex": {"male": "mn_sam always normal"}})
    (rows,) = (block.rows for block in page._groups(compared) if getattr(block, "title", "") == "Sex")
    assert {value: {cell.endswith(" (degenerate)") for cell in cells} for value, *cells in rows} == {
        "female": {False},
        "male": {True},
    }


@pytest.mark.slow
def test_degenerate_runs_are_marked(root):
    change(workspace(root, "dead"), pl.col("model") == "student/2", 0)
    compared = compare(root, ["dead"])
    assert compared.others[0].as_json()["degenerate"] == "dead always normal: 2"
    assert texts.rows(compared, "strict")[1][0] == "dead (degenerate: always normal: 2)"
    assert texts.rows(compared, "strict")[1][6].endswith("; degenerate")
    assert "Degenerate, so that a difference does not compare two classifiers: dead." in list(texts.notes(compared))
    tables = html_page.sections(page.render(compared))
    assert tables["classes"].tables[0].header[2:] == ["recall here", "dead (degenerate) minus here"]
    assert tables["groups"].tables[0].header[1:] == ["dead (degenerate), strict", "dead (degenerate), lenient"]
    assert names_in_figures(compared) == {"this project", "dead (degenerate)"}


@pytest.mark.slow
def test_a_degenerate_first_run_is_named_beside_all_differences(root):
    workspace(root, "mn_sam")
    change(root, pl.col("model") == "student/2", 0)
    compared = compare(root, ["mn_sam"])
    tables, name = html_page.sections(page.render(compared)), "mn_sam minus this project (degenerate)"
    assert tables["classes"].tables[0].header[2:] == ["recall here (degenerate)", "mn_sam minus here (degenerate)"]
    assert tables["groups"].tables[0].header[1:] == [f"{name}, strict", f"{name}, lenient"]
    assert names_in_figures(compared) == {"this project (degenerate)", "mn_sam", name}


def test_intervals_of_another_method_are_replaced_or_named(root):
    """An old revision has the percentile bootstrap, which is narrower."""
    other = workspace(root, "old")
    found = metrics()
    expected = [texts.rows(compare(root, ["old"]), "strict")[0][3]]
    found["interval"] = {"confidence": 0.9, "method": "percentile bootstrap"}
    for name in ("score_strict", "score_lenient", "sp", "se_strict", "se_lenient"):
        found["student"]["val"][name] |= {"low": 1.0, "high": 2.0}
    (other / "reports/metrics.json").write_text(json.dumps(found))
    assert [row[3] for row in texts.rows(compare(root, ["old"]), "strict")] == expected * 2
    (other / PREDICTIONS).unlink()
    compared = compare(root, ["old"])
    assert texts.rows(compared, "strict")[1][3] == "1.0–2.0"
    note = "old: its interval is not comparable. It is from its own metrics.json (90 %, percentile bootstrap)."
    assert note in list(texts.notes(compared))


def test_corpora_that_are_pooled_or_left_out_are_named(root):
    path = workspace(root, "joint") / "reports/metrics.json"
    assert "corpora" not in " ".join(texts.notes(compare(root, ["joint"])))
    parts = {"corpora": {"icbhi": {}, "sprsound": {}}, "external": {"ward": {}}, "native": {}}
    path.write_text(json.dumps(metrics() | parts))
    notes = list(texts.notes(compare(root, ["joint"])))
    assert "The test cycles of several corpora are taken together: icbhi, sprsound." in notes
    assert any(note.startswith("External corpora and the own classes of each corpus are not") for note in notes)


@pytest.mark.slow
def test_runs_of_equal_folder_names_are_all_shown(root):
    change(root, NORMAL, 0)
    for place in ("a", "b"):
        shutil.copytree(workspace(root, "mn_sam"), root / place / "run")
    change(root / "b/run", NORMAL & pl.col("patient_id").is_in(["101", "103"]), 1)
    change(root / "a/run", NORMAL & pl.col("patient_id").is_in(["101"]), 1)
    compared = compare(root, ["a/run", "b/run/", "v1"])
    assert [source.title for source in compared.sources] == ["this project", "a/run", "b/run/", "v1"]
    html = page.render(compared)
    assert all(f">{name}</text>" in html for name in ("a/run", "b/run/")), "a row of the forest plot each"


@pytest.mark.slow
def test_the_command_prints_80_columns_and_writes_the_page(root):
    change(root, NORMAL, 0)
    out = root / "side.html"
    done = CliRunner().invoke(app, ["report", "--compare", "v1", "--out", str(out)])
    assert done.exit_code == 0, done.output
    again = CliRunner().invoke(app, ["report", "--compare", "v1", "--out", str(out), "--json"])
    assert keys(json.loads(again.stdout)) == documented("report --compare")
    lines = done.stdout.splitlines()
    assert max(len(line) for line in lines if str(out) not in line) <= 80
    row = next(line for line in lines if line.startswith("v1 "))
    assert "−" in row, row
    html = out.read_text()
    assert html.count("<section") == 6
    assert "http" not in html.replace("http://www.w3.org", "")
    assert page.render(compare(root, ["v1"])) == html
    done = CliRunner().invoke(app, ["report", "--out", str(out)])
    assert (done.exit_code, "name runs: --compare REV" in done.stderr) == (1, True)
