"""HF_Lung from the source to the tables: sides, copies, labels, groups by date, and checks."""

import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.recipes import corpus as recipe_corpus
from tasks.corpora import registry
from tasks.corpora.hf_lung import sides
from tasks.corpora.settings import HfLungSettings
from tasks.runtime import corpus_facts
from tasks.runtime.errors import BreathlineError
from tasks.subsets.splits import assign
from tests.unit.tasks.corpora.hf_lung import generated
from tests.unit.tasks.corpora.stages import checked, tables
from tests.unit.tasks.download.project import Project, settings

CORPUS = registry.get("hf_lung")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def fetched(project: Project, source: Path, **changes: Any) -> dict[str, Any]:
    return project.download(settings("directory", source, corpus="hf_lung", **changes))


@pytest.mark.slow
def test_breaths_have_labels_by_the_rule_and_the_checks_hold(tmp_path, project, caplog):
    content = generated.recordings(4, test=1)
    source = generated.lay_out(tmp_path / "source", content)
    with caplog.at_level("INFO"):
        assert fetched(project, source)["recordings"] == len(content) == 16
        recordings, cycles, summary = tables(project)
    rows = {row["recording_id"]: row for row in recordings.to_dicts()}
    plain, trunc = rows["steth_20190801_10_00_00"], rows["trunc_2019-08-04-11-00-00-L2_2"]
    assert (plain["patient_id"], plain["device"], plain["location"]) == ("hf_lung-2019-08-01", "Litt3200", None)
    assert (trunc["patient_id"], trunc["device"], trunc["location"]) == ("hf_lung-2019-08-04", "HF-Type-1", "L2")
    assert (plain["split"], trunc["split"], plain["age"]) == ("train", "test", None)
    assert all((row["fold"] is None) == (row["split"] == "test") for row in rows.values())
    by_recording = cycles.group_by("recording_id", maintain_order=True).agg("hf_lung_sounds", "lungsound_4")
    found = {name: (sounds, labels) for name, sounds, labels in by_recording.iter_rows()}
    assert found["steth_20190801_10_00_00"] == (["nothing annotated"] * 4, [None] * 4)
    nothing = "nothing annotated"
    assert found["trunc_2019-08-01-11-00-00-L1_1"] == (["Wheeze", "Wheeze", "D", nothing], [2, 2, 1, None])
    assert found["trunc_2019-08-01-11-00-00-L2_2"] == (["D+Wheeze", nothing, nothing, nothing], [3, None, None, None])
    assert found["trunc_2019-08-03-11-00-00-L1_1"] == ([nothing, nothing, "Rhonchi", "Stridor"], [None] * 4)
    assert cycles["hf_lung_phase"].to_list()[:2] == ["inhalation", "exhalation"]
    assert cycles.filter(pl.col("lungsound_4") == 0).is_empty(), "a gap or an unannotated breath is not normal"
    assert summary["unlabelled"]["lungsound_4"].keys() == {nothing, "Rhonchi", "Stridor"}

    verdicts = checked(project)
    assert not [name for name, one in verdicts.items() if not one["success"] and one["severity"] == "error"]
    failing = {name for name, one in verdicts.items() if not one["success"]}
    assert failing == {"recordings.sounds_in_breaths"}
    assert not {"recordings.patients_on_one_side", "cycles.apart", "recordings.bmi_range"} & verdicts.keys()
    facts = corpus_facts.read(project.raw.parent / "cycles")
    assert (facts.identity.name, facts.identity.verified) == ("hf_lung-format", False)
    assert "no digests are known" in facts.identity.evidence
    assert any("Patients are unknown" in limit for limit in facts.limits)


def test_unannotated_breaths_are_normal_where_the_settings_say_so(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(4, test=1))
    fetched(project, source, hf_lung=HfLungSettings(unannotated="normal", stridor="wheeze"))
    _, cycles, summary = tables(project)
    labelled = dict(cycles.group_by("hf_lung_sounds").agg(pl.col("lungsound_4").first()).iter_rows())
    assert (labelled["nothing annotated"], labelled["Rhonchi"], labelled["Stridor"]) == (0, None, 2)
    assert summary["unlabelled"]["lungsound_4"].keys() == {"Rhonchi"}
    assert checked(project, "lungsound_agrees")["cycles.lungsound_agrees"]["success"], "the check knows the settings"
    for split in ("official", "0"):
        subsets = assign(cycles.to_arrow(), labels="lungsound_4", split=split, fraction=0.3, seed=0)
        dates: dict[str, set[str]] = {}
        for cycle, subset in subsets.items():
            dates.setdefault(re.sub(r"\D", "", cycle)[:8], set()).add(subset)
        assert {"train", "val", "test"} == {subset for found in dates.values() for subset in found}
        assert all(len(found) == 1 for found in dates.values()), "a date is in one subset"


def test_a_date_on_both_sides_is_a_warning(tmp_path, project):
    content = generated.recordings(3)
    name = "steth_20190801_10_00_00"
    source = generated.lay_out(tmp_path / "source", content | {name: ("test", content[name][1])})
    fetched(project, source)
    recordings, _, _ = tables(project)
    assert recordings["split"].value_counts().height == 2
    verdict = checked(project, "patients_disjoint")["recordings.patients_disjoint"]
    assert (verdict["severity"], verdict["first"]) == ("warning", ["hf_lung-2019-08-01"])
    assert verdict["meaning"] == "No recording date at all is on both sides of the split."


def test_a_duplicate_export_folder_counts_once_and_one_that_differs_is_refused(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(2))
    shutil.copytree(source / "train", source / "train 2")
    found = fetched(project, source)
    assert (found["recordings"], found["equal_copies"]) == (8, 16)
    (first, *_) = sorted((source / "train 2").glob("*_label.txt"))
    first.write_text("I 00:00:01.000 00:00:02.000\n", encoding="ascii")
    project.refused(settings("directory", source, corpus="hf_lung"), rf"(?s)differ: {first.name}.*train 2")


def test_equal_copies_in_train_and_test_are_refused(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(2))
    shutil.copytree(source / "train", source / "test")
    project.refused(settings("directory", source, corpus="hf_lung"), "folders of different sides of the split")


@pytest.mark.parametrize(
    ("path", "side"),
    [
        ("train/a_label.txt", "train"),
        ("HF_Lung_V1/test/a_label.txt", "test"),
        ("train 2/a_label.txt", "train"),
        ("test_2/a_label.txt", "test"),
        ("training data/a_label.txt", "train"),
        ("test/mine/a_label.txt", "test"),
        ("a_label.txt", "train"),
    ],
)
def test_the_nearest_folder_tells_the_side(path, side):
    assert sides.side(path) == side


def test_a_date_can_be_excluded(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(2))
    found = fetched(project, source, exclude_patients=["hf_lung-2019-08-02"])
    assert found["excluded"] == {"hf_lung-2019-08-02": 4}
    content = (project.raw / "metadata" / sides.FILE).read_bytes()
    assert CORPUS.patients_named(content) == {"hf_lung-2019-08-01"}
    pattern = re.compile(CORPUS.name_pattern("hf_lung-2019-08-02"))
    assert not [name for name in project.names("audio") if pattern.search(name)]
    assert pattern.search("steth_20190802_10_00_00_000")
    assert pattern.search("trunc_2019-08-02-11-00-00-L1_1.wav")


def test_a_recipe_recognises_the_format_and_sets_a_split_that_it_has(tmp_path):
    source = generated.lay_out(tmp_path / "source", generated.recordings(2, test=1))
    found = recipe_corpus.settings(str(source))
    assert (found["format"], found["expect"]) == ("hf_lung", "partial")
    assert not recipe_corpus.has_split(found, "inter", tmp_path)
    assert recipe_corpus.usual_split(found, tmp_path) == "official"
    shutil.rmtree(source / "test")
    assert recipe_corpus.usual_split(found, tmp_path) == 0


def test_a_label_file_without_a_recording_is_told_or_refused(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.recordings(1))
    min(source.rglob("*.wav")).unlink()
    assert fetched(project, source)["annotations_without_recording"] == 1
    error = project.refused(settings("directory", source, corpus="hf_lung", expect="full"), "have no recording")
    assert isinstance(error, BreathlineError)
