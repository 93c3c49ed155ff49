"""Comparison of two runs with known differences."""

import json
import re
import shutil
from pathlib import Path
from unittest import mock

import polars as pl
import pytest

from lineage.diff import comparison, runs, text
from lineage.diff.changes import Changes
from lineage.diff.results import Flip
from lineage.diff.sections import sections
from lineage.dvc_storage import cache_of
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.unit.lineage import small

PREDICTIONS = "data/evaluation/predictions.parquet"


def compare(root, old, new):
    return comparison.compare(runs.open_run(old, root), runs.open_run(new, root))


def differing(found):
    parts = {name: getattr(found, name) for name in vars(found) if name not in ("old", "new", "notes", "predictions")}
    return {name for name, changes in parts.items() if changes is None or changes}


@pytest.fixture(scope="module")
def changed(small_run):
    """Compare the committed run with one of other recordings, code, parameters and packages."""
    other = shutil.copytree(small_run, small_run.parent / "other")
    module = other / "tasks/evaluate.py"
    module.write_text("# A line more.\n" + module.read_text().replace('"""', '""" ', 1))
    params = other / "params.yaml"
    assert params.read_text().count("resamples: 50") == 1
    params.write_text(params.read_text().replace("resamples: 50", "resamples: 60"))
    recordings = {name: value for name, value in small.RECORDINGS.items() if not name.startswith("106")}
    side, cycles = recordings["105_1b1_Tc_sc_Meditron"]
    recordings["105_1b1_Tc_sc_Meditron"] = (side, [cycles[0], (2.0, 3.9, 1, 1)])
    recordings["107_1b1_Tc_sc_Meditron"] = ("test", [(0.0, 1.0, 0, 0)])
    environment = small._environment()
    packages = {**environment["packages"], "numpy": "0.0.1"}
    shutil.rmtree(other / "data/raw")
    with (
        mock.patch.object(small, "RECORDINGS", recordings),
        mock.patch.object(small, "_environment", return_value=environment | {"packages": packages}),
    ):
        small.run(other)
    return compare(small_run, "HEAD", "../other")


def test_a_run_equals_its_own_commit(small_run):
    found = compare(small_run, "HEAD", ".")
    assert differing(found) == set()
    assert found.notes == ()
    assert (found.predictions.compared, found.predictions.flips) == (4 * 6, ())


@pytest.mark.slow
def test_changed_recordings_and_cycles_have_their_columns(changed):
    assert changed.recordings.added == ("107_1b1_Tc_sc_Meditron",)
    assert changed.recordings.removed == ("106_1b1_Tc_sc_Meditron",)
    assert set(changed.recordings.changed) == {"105_1b1_Tc_sc_Meditron"}
    assert set(changed.recordings.changed["105_1b1_Tc_sc_Meditron"]) == {"annotation file"}
    assert changed.cycles.added == ("107_1b1_Tc_sc_Meditron_000",)
    assert changed.cycles.removed == ("106_1b1_Tc_sc_Meditron_000",)
    assert set(changed.cycles.changed) == {"105_1b1_Tc_sc_Meditron_001"}
    assert changed.cycles.changed["105_1b1_Tc_sc_Meditron_001"] == {"lungsound_4": [1, 3], "icbhi_wheezes": [0, 1]}


def test_code_parameters_and_environment_have_old_and_new_values(changed):
    assert changed.code == Changes(changed={"tasks/evaluate.py": {"added": 2, "removed": 1}})
    assert changed.parameters == Changes(changed={"evaluation.resamples": [50, 60]})
    assert changed.environment.changed == {"numpy": [small._environment()["packages"]["numpy"], "0.0.1"]}
    assert any("uncommitted" in note for note in changed.notes)


def test_figures_and_predictions_in_both_runs_are_compared(changed):
    assert (changed.predictions.only_old, changed.predictions.only_new) == (6, 6)
    assert changed.predictions.relabelled == ("105_1b1_Tc_sc_Meditron_001",)
    assert "student.val.per_class.wheeze.n" not in changed.figures.added
    assert any(key.startswith("student.val.per_class.") for key in changed.figures.changed)


@pytest.mark.slow
def test_a_flip_has_label_classes_and_effect(small_run, tmp_path):
    folder = shutil.copytree(small_run, tmp_path / "flipped")
    table = pl.read_parquet(folder / PREDICTIONS)
    cycle = "102_2b1_Al_sc_Litt3200_000"  # both
    one = (pl.col("model") == "student/1") & (pl.col("cycle_id") == cycle)
    was = table.filter(one)["predicted"].item()
    for says, effect in ((3, "mended"), ((was + 1) % 3, "still wrong")):
        new = table.with_columns(predicted=pl.when(one).then(says).otherwise("predicted").cast(pl.Int8))
        new.write_parquet(folder / PREDICTIONS)
        found = compare(small_run, ".", str(folder)).predictions
        assert was != 3, "else this is no test"
        names = ("normal", "crackle", "wheeze", "both")
        expected = {"label": "both", "old": names[was], "new": names[says], "effect": effect}
        assert found.flips == (Flip(model="student/1", selection="val", cycle_id=cycle, **expected),)
    back = compare(small_run, str(folder), ".").predictions
    assert [flip.effect for flip in back.flips] == ["still wrong"]


def test_artifacts_missing_from_the_cache_are_no_changes(small_run, tmp_path):
    folder = shutil.copytree(small_run, tmp_path / "poor")
    shutil.rmtree(folder / ".dvc/cache")
    found = compare(folder, "HEAD", ".")
    assert found.recordings is None
    assert found.predictions == "HEAD has no predictions."
    assert any("HEAD has no data/cycles/recordings.parquet" in note for note in found.notes)


def test_the_text_is_short_or_complete(changed):
    from rich.console import Console

    def printed(*, everything):
        console = Console(width=200)
        with console.capture() as captured:
            console.print(text.shown(changed, everything=everything))
        return captured.get()

    short, whole = printed(everything=False), printed(everything=True)
    assert "more (--all)" in short
    assert "more (--all)" not in whole
    for word in ("106_1b1_Tc_sc_Meditron", "50 → 60", "+2 -1 lines", "1 cycle annotated differently"):
        assert word in whole
    assert json.loads(json.dumps(changed.as_json()))["parameters"]["changed"] == {"evaluation.resamples": [50, 60]}


def test_the_page_stands_alone_and_holds_all_differences(changed):
    html = text.page(changed)
    assert html.startswith("<!doctype html>")
    assert not re.search(r"(src|href)=|url\(|https?:|@import", html)
    assert html.count("<h2") == 9
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    assert any("evaluation.resamples</td><td>50 → 60" in row for row in rows)
    assert len(rows) == sum(len(section.rows) for section in sections(changed))


def test_a_degenerate_model_is_named_with_its_run(small_run, tmp_path):
    folder = shutil.copytree(small_run, tmp_path / "flagged")
    path = folder / "reports/metrics.json"
    metrics = json.loads(path.read_text())
    metrics["student"]["val"]["degenerate"] = "always normal: student/1"
    path.write_text(json.dumps(metrics))
    found = compare(small_run, ".", str(folder))
    assert f"{folder}: student.val is degenerate: always normal: student/1." in found.notes
    assert found.figures.changed["student.val.degenerate"] == [None, "always normal: student/1"]


def test_an_unknown_run_is_an_error(small_run, tmp_path):
    for name in ("no-such-branch", str(tmp_path), "--output=x"):
        with pytest.raises(BreathlineError, match=name):
            runs.open_run(name, small_run)
    with pytest.raises(BreathlineError, match=r"no dvc\.lock"):
        compare(small_run, "HEAD~1", ".")
    assert not (small_run / "x").exists()


def test_the_cache_may_be_in_another_folder(small_run, tmp_path):
    folder = shutil.copytree(small_run, tmp_path / "moved")
    shutil.move(folder / ".dvc/cache", tmp_path / "elsewhere")
    toy.call(folder, "dvc", "config", "--local", "cache.dir", str(tmp_path / "elsewhere"))
    assert differing(compare(folder, "HEAD", ".")) == set()


def test_the_local_config_overrides_the_cache_folder(tmp_path):
    (tmp_path / ".dvc").mkdir()
    assert cache_of(tmp_path).objects.parents[1] == tmp_path / ".dvc/cache"
    (tmp_path / ".dvc/config").write_text("[core]\n    analytics = false\n[cache]\n    dir = ../shared\n")
    assert cache_of(tmp_path).objects.parents[1] == tmp_path / "shared"
    (tmp_path / ".dvc/config.local").write_text("[cache]\n    dir = /elsewhere\n")
    assert cache_of(tmp_path).objects.parents[1] == Path("/elsewhere")
