"""Search for a patient in all outs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl
import pytest
import soundfile

from lineage.absence import cached_objects
from lineage.absence.file_search import FileSearch
from lineage.absence.search import find
from lineage.absence.stored_runs import StoredGraph, StoredRun
from lineage.dvc_storage import Cache
from tasks.artifacts import CorpusFolders
from tasks.runtime.errors import BreathlineError
from tests.unit.lineage import small

PATIENT = "103"  # trains
WAV = "data/raw/icbhi/audio/103_1b1_Tc_sc_Meditron.wav"
SOFT_LABELS, WEIGHTS = "data/soft_labels/soft_labels.parquet", "data/teachers/t3/val.safetensors"
NUMBERS = "the samples or features of 103_1b1_Tc_sc_Meditron"
RESULTS, PAGE, ONE = "data/validation/icbhi/results.json", "reports/report.html", "data/fbank/ast/icbhi/one.npy"
DIAGNOSES = "data/raw/icbhi/metadata/ICBHI_Challenge_diagnosis.txt"
ROWS = '{"rows": [{"patient_id": 101}, {"patient_id": 103}]}'


@pytest.fixture(scope="module")
def after(small_run: Path) -> Path:
    """Return the same project, run again without the patient."""
    root = shutil.copytree(small_run, small_run.parent / "after")
    shutil.rmtree(root / "data/raw")
    model = small._model

    def retrained(root: Path, read: dict, folder: str, network: dict, seed: int) -> None:
        model(root, read, folder, network, seed + 100)

    left = {name: value for name, value in small.RECORDINGS.items() if not name.startswith("103")}
    with mock.patch.object(small, "RECORDINGS", left), mock.patch.object(small, "_model", retrained):
        small.run(root)
    # The features of `small` follow from their number alone, so that the first rows would be those of before.
    for path in (root / "data/fbank").glob("*/*/features.npy"):
        np.save(path, np.load(path) + np.float16(1))
    return root


@pytest.fixture
def project(after: Path, tmp_path: Path) -> Path:
    return shutil.copytree(after, tmp_path / "project")


@pytest.mark.slow
def test_a_present_patient_is_found_in_every_kind_of_out(small_run):
    found = find(small_run, f"patient:{PATIENT}", None)
    assert not found.proven
    assert {trace.path.split("/")[1] for trace in found.traces} == {
        *(
            "raw",
            "extracted",
            "waveforms",
            "cycles",
            "fbank",
            "soft_labels",
            "teachers",
            "student",
            "lineage",
            "explanation",
            "export",
        )
    }


@pytest.mark.slow
def test_the_hashes_of_an_earlier_run_prove_absence(after):
    found = find(after, "patient:103", None)
    assert found.traces == ()
    assert found.proven
    # A wav and its annotation; three cycles at two rates and two front ends; three teachers and two students.
    assert [found.known_by[kind] for kind in ("files", "rows", "weights", "unread")] == [2, 12, 5, []]
    # Ten cycles at two rates and two front ends; of the six that are learned from, one soft label and three logits. All
    # ten are embedded by two students.
    assert found.rows == 2 * 2 * 10 + 4 * 6 + 2 * 10
    assert found.not_there == ()


def test_a_search_by_name_proves_nothing(after):
    found = find(after, "patient:999", None)
    assert (found.traces, found.known_by, found.proven) == ((), None, False)


def test_missing_outs_are_not_searched(project, small_run):
    shutil.rmtree(project / "data/raw")
    found = find(project, "patient:103", str(small_run))
    assert (found.traces, found.not_there, found.proven) == ((), ("data/raw/icbhi",), False)
    shutil.rmtree(project / "data")
    shutil.rmtree(project / "reports")
    assert not find(project, "patient:103", str(small_run)).proven


def keep_wav(root: Path, before: Path) -> None:
    shutil.copy(before / WAV, root / "data/raw/icbhi/audio/107_1b1_Tc_sc_Meditron.wav")


def keep_samples(root: Path, before: Path) -> None:
    path = "data/waveforms/icbhi/32000.parquet"
    one = pl.read_parquet(before / path).filter(pl.col("cycle_id").str.starts_with("103")).tail(1)
    table = pl.concat([pl.read_parquet(root / path), one.with_columns(cycle_id=pl.lit("107_1b1_Tc_sc_Meditron_000"))])
    table.write_parquet(root / path)


def feature(before: Path) -> np.ndarray:
    index = pl.read_parquet(before / "data/fbank/ast/icbhi/index.parquet")
    row = index.filter(pl.col("cycle_id").str.starts_with("103"))["row"][1]
    return np.load(before / "data/fbank/ast/icbhi/features.npy")[row]


def keep_features(root: Path, before: Path) -> None:
    features = np.load(root / "data/fbank/ast/icbhi/features.npy")
    features[0] = feature(before)
    np.save(root / "data/fbank/ast/icbhi/features.npy", features)


def keep_wave(root: Path, before: Path) -> None:
    one = pl.read_parquet(before / "data/waveforms/icbhi/32000.parquet").filter(
        pl.col("cycle_id").str.starts_with("103")
    )
    one.tail(1).select(wave="samples").write_parquet(root / "data/fbank/ast/icbhi/copy.parquet")


def keep_number(root: Path, _before: Path) -> None:
    pl.DataFrame({"patient": ["101", "103"]}).write_parquet(root / "data/fbank/ast/icbhi/people.parquet")


def copied(path: str) -> Callable[[Path, Path], None]:
    """Return a function that brings a file of the run before back."""
    return lambda root, before: shutil.copy(before / path, root / path)


def written(path: str, text: str) -> Callable[[Path, Path], None]:
    return lambda root, _before: (root / path).write_text(text)


def keep_row(root: Path, _before: Path) -> None:
    path = root / "data/cycles/cycles.parquet"
    table = pl.read_parquet(path)
    number = pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("103")).otherwise("patient_id")
    table.with_columns(patient_id=number).write_parquet(path)


def keep_diagnosis(root: Path, _before: Path) -> None:
    with (root / DIAGNOSES).open("a") as file:
        file.write("103\tCOPD\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hide", "path", "what"),
    [
        (keep_wav, "data/raw/icbhi/audio/107_1b1_Tc_sc_Meditron.wav", "all bytes of 103_1b1_Tc_sc_Meditron.wav"),
        (keep_samples, "data/waveforms/icbhi/32000.parquet", f"{NUMBERS}_002"),
        (keep_features, "data/fbank/ast/icbhi/features.npy", f"{NUMBERS}_001"),
        (keep_wave, "data/fbank/ast/icbhi/copy.parquet", f"{NUMBERS}_002"),
        (lambda root, before: np.save(root / ONE, feature(before)), ONE, f"{NUMBERS}_001"),
        (keep_number, "data/fbank/ast/icbhi/people.parquet", "rows of the patient"),
        (written(RESULTS, ROWS), RESULTS, "the patient's number, under `patient_id`"),
        (written(RESULTS, '{"patients": [101, 103]}'), RESULTS, "the patient's number, under `patients`"),
        (keep_row, "data/cycles/cycles.parquet", "rows of the patient"),
        (copied(SOFT_LABELS), SOFT_LABELS, "names of recordings or cycles, in `cycle_id`"),
        (copied(WEIGHTS), WEIGHTS, f"the weights of {WEIGHTS}"),
        (keep_diagnosis, DIAGNOSES, "lines about the patient"),
        (written(PAGE, "<img alt=103_1b1_Tc_sc_Meditron_002>"), PAGE, "the name of a recording or cycle, at byte 9"),
        (lambda root, _: soundfile.write(root / WAV, np.zeros(8), 4000), WAV, "its name"),
    ],
)
def test_each_remnant_is_found(project, small_run, hide, path, what):
    hide(project, small_run)
    found = find(project, "patient:103", str(small_run))
    assert {trace.path for trace in found.traces} == {path}
    assert any(trace.what.startswith(what) for trace in found.traces), found.traces
    assert not found.proven


def test_a_test_patient_has_no_weights(small_run):
    found = find(small_run, "patient:105", None)
    assert found.known_by["weights"] == 0


def test_unreadable_artifacts_of_the_earlier_run_are_named(project):
    folder = shutil.copytree(project, project.parent / "lossy")
    (folder / "data/waveforms/icbhi/16000.parquet").unlink()
    found = find(project, "patient:105", str(folder))
    assert found.known_by["unread"] == ["data/waveforms/icbhi/16000.parquet"]


def test_an_unknown_patient_is_an_error(small_run):
    with pytest.raises(BreathlineError, match="does not name a patient"):
        find(small_run, "103", None)
    with pytest.raises(BreathlineError, match="no tables with patient 107"):
        find(small_run, "patient:107", ".")


def test_the_list_of_excluded_patients_is_no_remnant(project):
    source = project / "data/raw/icbhi/source.json"
    source.write_text(json.dumps(json.loads(source.read_text()) | {"excluded": {"103": 1}}))
    assert find(project, "patient:103", None).proven


def test_a_number_of_patients_is_no_remnant(project, small_run):
    (project / "reports/metrics.json").write_text('{"test": {"patients": 103}}')
    assert find(project, "patient:103", str(small_run)).proven


OWN, OTHER = CorpusFolders("external", "hospital"), CorpusFolders("training", "icbhi")


@pytest.mark.parametrize(
    ("name", "own", "homonym", "expected"),
    [
        ("data/raw/hospital", OWN, OTHER, True),
        ("data/raw/hospital/audio/101.wav", OWN, OTHER, True),
        (".leaderboard/mn/data/waveforms/hospital/4000.parquet", OWN, OTHER, True),
        ("data/lineage/fbank_external@hospital-ast.json", OWN, OTHER, True),
        ("data/evaluation/external.parquet", OWN, OTHER, True),
        ("data/raw/icbhi/audio/101.wav", OWN, OTHER, False),
        ("data/lineage/download@icbhi.json", OWN, OTHER, False),
        ("data/cycles/cycles.parquet", OWN, OTHER, False),
        ("data/raw/hospital2/audio/101.wav", OTHER, OWN, True),
        ("data/lineage/download_external@hospital.json", OTHER, OWN, False),
        ("data/cycles/cycles.parquet", OTHER, OWN, True),
    ],
)
def test_names_in_files_of_two_corpora_are_those_of_one_patient(name, own, homonym, expected):
    search = FileSearch(Path(), "101", None, ["icbhi"], own, [homonym])
    assert search.may_name(name) is expected


def test_the_listing_of_a_folder_in_the_cache_is_known_by_the_path_of_its_out(tmp_path):
    """A listing names the files; without its path, it would be searched by hash alone where numbers are shared."""
    cache = Cache(tmp_path)
    listing = tmp_path / "files/md5/ab/cd.dir"
    listing.parent.mkdir(parents=True)
    listing.write_text('[{"md5": "ef", "relpath": "audio/101_1b1_Tc_sc_Meditron.wav"}]')
    graph = StoredGraph("a run", (StoredRun({}, {"data/raw/hospital": "abcd.dir"}),))
    paths = cached_objects._paths(cache, [graph])
    search = FileSearch(tmp_path, "101", None, ["icbhi"], OWN, [OTHER])
    assert dict(cached_objects.by_content(cache, search, paths)) == {
        "abcd.dir": "the name of a recording or cycle, at byte 33"
    }
