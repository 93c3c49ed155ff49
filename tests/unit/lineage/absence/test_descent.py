"""Descent of stored objects from a patient, through runs that stores name."""

import pytest

from lineage.absence.descent import Descent
from lineage.absence.stored_runs import StoredGraph, StoredRun
from lineage.dvc_storage import Cache

RAW, TABLE, WEIGHTS, FIGURES = "data/raw/demo", "data/cycles/cycles.parquet", "data/student/1", "reports/scores.json"


def lock(raw: str, table: str, weights: str, figures: str, *, record: str | None = None) -> StoredGraph:
    """Return a dvc.lock of four stages, by the MD5 of their outs."""
    learned = {WEIGHTS: weights, **({"data/lineage/train_student@1.json": record} if record else {})}
    return StoredGraph(
        "a lock",
        (
            StoredRun({"tasks/download.py": "code"}, {RAW: raw}),
            StoredRun({RAW: raw}, {TABLE: table}),
            StoredRun({TABLE: table, "tasks/train.py": "code"}, learned),
            StoredRun({TABLE: table, "data/student": "folder.dir"}, {FIGURES: figures}),
        ),
    )


@pytest.fixture
def find(tmp_path):
    """Return a function from locks to what is from_patient."""
    return lambda graphs, with_patient, earlier=(): set(
        Descent(Cache(tmp_path), graphs, with_patient, earlier).from_patient
    )


def test_everything_behind_recordings_of_the_patient_descends_from_them(find):
    assert find([lock("raw", "table", "weights", "figures")], ["raw"]) == {"raw", "table", "weights", "figures"}


def test_a_folder_of_models_descends_as_its_models_do(find):
    explained = StoredRun({"data/student": "folder.dir"}, {"reports/explanation.json": "page"})
    graph = lock("raw", "table", "weights", "figures")
    assert "page" in find([StoredGraph("a lock", (*graph.runs, explained))], ["raw"])


def test_a_run_whose_record_names_the_patient_is_found_without_its_inputs(find):
    graph = StoredGraph(
        "a record", (StoredRun({TABLE: "lost"}, {WEIGHTS: "weights", "data/lineage/a.json": "record"}),)
    )
    assert find([graph], ["record"]) == {"record", "weights"}


def test_equal_bytes_of_a_run_without_the_patient_are_clean(find):
    with_patient, without = lock("raw", "table", "weights", "figures"), lock("raw2", "table2", "weights", "figures2")
    # The patient is only tested on: the weights are the same, and the figures are not.
    assert find([with_patient, without], ["raw"]) == {"raw", "table", "figures"}


def test_erased_objects_stay_known_by_an_earlier_search(find):
    locks = [lock("raw", "table", "weights", "figures"), lock("raw2", "table2", "weights2", "figures2")]
    earlier = {"raw", "table", "weights", "figures"}
    assert find(locks, [], earlier) == earlier
    assert find([locks[1]], [], earlier) == earlier, "also where no lock names them any more"


def test_other_recordings_of_the_same_source_do_not_descend(find, tmp_path):
    cache = Cache(tmp_path)
    path = cache.object("raw.dir")
    path.parent.mkdir(parents=True)
    path.write_text('[{"relpath": "101.wav", "md5": "own"}, {"relpath": "102.wav", "md5": "other"}]')
    from_patient = find([lock("raw.dir", "table", "weights", "figures")], ["own", "raw.dir"])
    assert from_patient == {"own", "raw.dir", "table", "weights", "figures"}
