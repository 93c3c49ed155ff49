"""All 920 official annotations and metadata files, against what the database is known to hold."""

from pathlib import Path

import polars as pl
import pytest

from tasks.corpora.icbhi import expected, known_recordings
from tests.unit.tasks.corpora.icbhi.complete import Complete, complete_tables

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def complete(real_icbhi: Path) -> Complete:
    return complete_tables(real_icbhi)


def test_the_counts_are_those_of_the_database(complete):
    recordings, cycles, _ = complete
    assert recordings.height == expected.RECORDINGS == 920
    assert cycles.height == expected.CYCLES == 6898
    assert recordings["patient_id"].n_unique() == expected.PATIENTS == 126
    assert dict(recordings["split"].value_counts().iter_rows()) == expected.SPLIT_RECORDINGS
    for side, counts in expected.SPLIT_CYCLES.items():
        of_side = cycles.filter(pl.col("split") == side)["lungsound_4"]
        assert tuple((of_side == label).sum() for label in range(4)) == counts
    sides = cycles.group_by("patient_id").agg(pl.col("split").n_unique())
    assert sorted(sides.filter(pl.col("split") == 2)["patient_id"]) == list(map(str, expected.PATIENTS_ON_BOTH_SIDES))
    patients = recordings.unique("patient_id")
    assert dict(patients["diagnosis"].value_counts().iter_rows()) == expected.DIAGNOSES
    assert patients["fold"].value_counts().sort("fold")["count"].to_list() == [26, 25, 25, 25, 25]


def test_the_one_wrong_name_is_matched_and_recorded(complete):
    recordings, cycles, known = complete
    corrected = recordings.filter(pl.col("icbhi_name_in_split").is_not_null())
    assert {row["icbhi_name_in_split"]: row["recording_id"] for row in corrected.to_dicts()} == expected.CORRECTIONS
    assert {c.name_in_split: c.recording_id for c in known.corrections} == expected.CORRECTIONS
    assert cycles.filter(pl.col("recording_id") == corrected["recording_id"][0]).height == 11


def test_only_demographics_have_unknown_values(complete):
    recordings, cycles, _ = complete
    assert not cycles.drop("audio_sha256").null_count().sum_horizontal().item()
    patients = recordings.unique("patient_id")
    assert patients.filter(pl.col("age").is_null())["patient_id"].to_list() == ["223"]
    nobody = patients.filter(pl.all_horizontal(pl.col("icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm").is_null()))
    assert nobody.height == 7


def test_the_known_recordings_are_those_of_the_database(complete, real_icbhi):
    known = known_recordings.read()
    for path in (real_icbhi / "annotations").glob("*.txt"):
        assert known_recordings.annotation_sha256(path) == known[path.stem]["annotation_sha256"], path.stem
    table = {name: (row["split"], int(row["fold"])) for name, row in known.items()}
    assert table == {row["recording_id"]: (row["split"], row["fold"]) for row in complete[0].to_dicts()}
