"""KAUH from the source to the tables: names as labels, ids, filter siblings, mapped sounds and diagnoses, checks."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.recipes import corpus as recipe_corpus
from tasks.corpora import registry
from tasks.corpora.kauh import facts, labels, names
from tasks.corpora.settings import KauhSettings
from tasks.runtime import corpus_facts
from tasks.runtime.errors import BreathlineError
from tasks.subsets.splits import assign
from tests.unit.tasks.corpora.kauh import generated
from tests.unit.tasks.corpora.stages import checked, tables
from tests.unit.tasks.download.project import Project, settings

CORPUS = registry.get("kauh")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def fetched(project: Project, source: Path, **changes: Any) -> dict[str, Any]:
    return project.download(settings("directory", source, corpus="kauh", **changes))


@pytest.mark.slow
def test_the_name_tells_all_and_the_id_is_plain(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.names())
    found = fetched(project, source)
    assert (found["recordings"], found["annotations_without_recording"]) == (30, 0)
    assert project.names("audio")[0] == "kauh-P10_B.wav"
    recordings, cycles, summary = tables(project)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in cycles["cycle_id"])
    rows = {row["recording_id"]: row for row in recordings.to_dicts()}
    row = rows["kauh-P4_D"]
    assert row["kauh_name"] == "DP4_Heart Failure + COPD,C,P R L ,57,F"
    assert (row["patient_id"], row["age"], row["sex"]) == ("kauh-P4", 57.0, "F")
    assert (row["diagnosis"], row["location"], row["kauh_filter"]) == ("Heart failure + COPD", "P R L", "D")
    assert (row["annotation_sha256"], row["cycles"], row["split"]) == (None, 1, "train")
    (whole,) = cycles.filter(pl.col("recording_id") == "kauh-P4_D").to_dicts()
    assert (whole["start_s"], whole["end_s"], whole["cycle_id"]) == (0.0, generated.SECONDS, "kauh-P4_D_000")
    by_patient = cycles.group_by("patient_id").agg(pl.col("lungsound_4", "diagnosis_3", "diagnosis_2").unique())
    found = {patient: tuple(values for (values,) in some) for patient, *some in by_patient.iter_rows()}
    sounds = {"1": 0, "2": 2, "3": 2, "4": 1, "5": 3, "6": 1, "7": None, "8": None, "9": None, "10": 0}
    assert {patient: sound for patient, (sound, _, _) in found.items()} == {
        f"kauh-P{number}": sound for number, sound in sounds.items()
    }
    diagnoses = {1: (0, 0), 2: (1, 1), 4: (None, 1), 6: (2, 1), 7: (None, 1)}
    assert {number: found[f"kauh-P{number}"][1:] for number in diagnoses} == diagnoses
    held_back = {"Bronchial": 3, "Crep": 3, "I C B": 3}
    assert summary["unlabelled"]["lungsound_4"] == held_back
    verdicts = checked(project)
    assert not [name for name, one in verdicts.items() if not one["success"]]
    known = corpus_facts.read(project.raw.parent / "cycles")
    assert (known.identity.name, known.identity.verified) == ("kauh-format", False)
    assert "30 recordings of 10 patients" in known.identity.evidence


def test_the_three_filters_of_a_patient_are_in_one_subset(tmp_path, project):
    fetched(project, generated.lay_out(tmp_path / "source", generated.names()))
    recordings, cycles, _ = tables(project)
    assert recordings.group_by("patient_id").agg(pl.col("fold").n_unique())["fold"].unique().to_list() == [1]
    assert sorted(recordings["fold"].unique()) == [0, 1, 2, 3, 4]
    for split in CORPUS.splits:
        subsets = assign(cycles.to_arrow(), labels="lungsound_2", split=split, fraction=0.3, seed=0)
        by_patient: dict[str, set[str]] = {}
        for cycle, subset in subsets.items():
            by_patient.setdefault(cycle.partition("_")[0], set()).add(subset)
        assert all(len(found) == 1 for found in by_patient.values())
    with pytest.raises(BreathlineError, match="has no test cycles") as error:
        assign(cycles.to_arrow(), labels="lungsound_2", split="official", fraction=0.3, seed=0)
    assert "0, 1, 2, 3, 4" in str(error.value.hint)


def test_crep_counts_as_crackle_where_the_settings_say_so(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.names())
    fetched(project, source, kauh=KauhSettings(crep="crackle"))
    _, cycles, _ = tables(project)
    assert cycles.filter(pl.col("kauh_sound") == "Crep")["lungsound_4"].unique().to_list() == [1]
    assert checked(project, "lungsound_agrees")["cycles.lungsound_agrees"]["success"], "the check knows the settings"


def test_the_checks_name_siblings_that_disagree_and_unknown_sounds(tmp_path, project):
    content = [*generated.names(generated.PEOPLE[:2]), "BP3_N,N,P L L,50,F", "DP3_N,E W,P L L,50,F", "EP4_N,X Y,P,5,M"]
    fetched(project, generated.lay_out(tmp_path / "source", content))
    tables(project)
    verdicts = checked(project, "kauh_sound_domain", "patient_consistent")
    assert verdicts["recordings.kauh_sound_domain"]["first"] == ["kauh-P4"]
    assert verdicts["recordings.patient_consistent"]["first"] == ["kauh-P3"]


def test_two_names_of_one_recording_are_refused(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", ["BP1_N,N,P L L,50,F", "DP1_N,N,P L L,50,F"])
    (copy,) = source.rglob("BP1*.wav")
    copy.with_name("BP1_COPD,E W,P L L,50,F.wav").write_bytes(copy.read_bytes())
    error = project.refused(settings("directory", source, corpus="kauh"), r"kauh-P1_B has 2 names: BP1_")
    assert "BP1_COPD" in str(error.where)


def test_an_excluded_patient_is_in_no_file(tmp_path, project):
    source = generated.lay_out(tmp_path / "source", generated.names(generated.PEOPLE[:3]))
    found = fetched(project, source, exclude_patients=["kauh-P2"])
    assert found["excluded"] == {"kauh-P2": 3}
    content = (project.raw / "metadata" / facts.FILE).read_bytes()
    assert CORPUS.patients_named(content) == {"kauh-P1", "kauh-P3"}
    pattern = re.compile(CORPUS.name_pattern("kauh-P2"))
    assert not pattern.search(content.decode())
    assert not [name for name in project.names("audio") if pattern.search(name)]
    for text in ("kauh-P2_B", "kauh-P2_B_000", "EP2_Asthma,I E W,P L L,70,M.wav"):
        assert pattern.search(text)
    assert not pattern.search("kauh-P21_B BP21_N,N,P L L,50,F")


def test_a_recipe_recognises_the_format_and_its_folds(tmp_path):
    source = generated.lay_out(tmp_path / "source", generated.names(generated.PEOPLE[:1]))
    found = recipe_corpus.settings(str(source))
    assert (found["format"], found["expect"]) == ("kauh", "partial")
    assert not recipe_corpus.has_split(found, "official", tmp_path)
    assert recipe_corpus.usual_split(found, tmp_path) == 0


@pytest.mark.parametrize(
    "name",
    ["BP1_Asthma,I E W,P L L,70", "XP1_N,N,P L L,70,M", "BP0_N,N,P,7,M", "BP1,N,N,P L L,70,M", "BP1_N,N,P L L,old,M"],
)
def test_other_names_are_refused(name):
    with pytest.raises(BreathlineError, match="not the name of a KAUH recording") as error:
        names.parse(name)
    assert "BP1_Asthma,I E W,P L L,70,M" in str(error.value.hint)


@pytest.mark.parametrize(
    ("text", "diagnosis", "three", "two"),
    [
        ("n", "Normal", 0, 0),
        ("Asthma and COPD", "Asthma + COPD", 1, 1),
        ("Asthma + lung fibrosis", "Asthma + Lung fibrosis", None, 1),
        ("Normal + COPD", "Normal + COPD", None, 1),
        ("unclear", "unclear", None, None),
    ],
)
def test_diagnoses_are_spelled_in_one_way(text, diagnosis, three, two):
    assert labels.diagnosis(text) == diagnosis
    assert labels.diagnosis_label("diagnosis_3", diagnosis) == three
    assert labels.diagnosis_label("diagnosis_2", diagnosis) == two
