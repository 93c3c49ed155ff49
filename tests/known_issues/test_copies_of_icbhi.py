"""Copies of ICBHI 2017 as people have them: Kaggle's zip was refused, and so was any copy without a split file."""

from pathlib import Path

import pytest

from flows.recipes import corpus
from tasks.corpora.icbhi import expected, known_recordings
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.corpora.icbhi.metadata import FOLDS_FILE, SPLIT_FILE, read_split
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.download.project import Project, publish, settings
from tests.unit.tasks.sources import corpora

NAMES = [*corpora.NAMES, corpora.ODD[1]]
TOPS = ("Respiratory_Sound_Database", "respiratory_sound_database")


def kaggle(*tops: str) -> dict[str, bytes]:
    """Return the files of Kaggle's zip, with a copy of the recordings below each of the given folders."""
    files = {"demographic_info.txt": b"101 3 F NA 19 99\n"}
    for top in tops:
        files |= corpora.recordings(NAMES, f"{top}/{top}/audio_and_txt_files")
        files |= {f"{top}/{top}/{name}": b"" for name in ("filename_differences.txt", "filename_format.txt")}
        files[f"{top}/{top}/patient_diagnosis.csv"] = b"101,URTI\n102,Healthy\n"
    return files


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    publish(NAMES, tmp_path / "known.tsv", monkeypatch)
    return Project(tmp_path)


@pytest.mark.parametrize("form", ["zip", "folder"])
@pytest.mark.parametrize("tops", [TOPS, TOPS[:1]], ids=["both", "one"])
def test_kaggle_s_copy_is_read_as_it_is(tmp_path, project, caplog, tops, form):
    caplog.set_level("INFO")
    if form == "zip":
        path = corpora.zipped(tmp_path / "a.zip", kaggle(*tops))
    else:
        path = corpora.lay_out(tmp_path / "unpacked", kaggle(*tops))
    chosen = corpus.settings(str(path))
    assert (chosen["format"], chosen["expect"]) == ("icbhi", "partial")
    source = project.download(settings(chosen["source"], path, expect="full"))
    assert (source["recordings"], source["identity"]["name"]) == (5, "icbhi")
    assert source["equal_copies"] == 10 * (len(tops) - 1)
    told = [line for line in caplog.messages if "equal copies" in line]
    assert told == ["10 files of the source are equal copies of others, and count once"][: len(tops) - 1]
    assert source["shipped_metadata"] == [SPLIT_FILE, FOLDS_FILE]
    assert source["corrections"] == [{"name_in_split": corpora.ODD[0], "recording_id": corpora.ODD[1]}]
    metadata = CORPUS.read_metadata(project.raw / "metadata", NAMES)
    assert [metadata.recordings[name]["split"] for name in NAMES] == ["train", "test", "train", "test", "train"]
    assert (metadata.patients["101"]["diagnosis"], metadata.patients["101"]["age"]) == ("URTI", 3)
    assert {patient["fold"] for patient in metadata.patients.values()} == {3}


@pytest.mark.parametrize("form", ["zip", "folder", "tar"])
def test_an_archive_within_a_source_is_named(tmp_path, project, form):
    inner = {"x/ICBHI_final_database.zip": corpora.zipped(tmp_path / "inner.zip", kaggle(TOPS[0])).read_bytes()}
    if form == "tar":
        path = corpora.lay_out(tmp_path, {"a.tar.gz": b"\x1f\x8b"}) / "a.tar.gz"
    else:
        lay_out = corpora.zipped if form == "zip" else corpora.lay_out
        path = lay_out(tmp_path / f"source.{form}", inner)
        source = "archive" if form == "zip" else "directory"
        error = project.refused(settings(source, path), "There are no recordings")
        assert error.hint.startswith("unpack x/ICBHI_final_database.zip")
    with pytest.raises(BreathlineError, match=r"no recording|not a zip") as error:
        corpus.settings(str(path))
    name = "a.tar.gz" if form == "tar" else "x/ICBHI_final_database.zip"
    assert error.value.hint == f"unpack {name}, and name the folder with the recordings as the source"


@pytest.mark.parametrize("suffix", ["wav", "txt"])
def test_copies_that_differ_are_refused_with_both_places(tmp_path, project, suffix):
    place = f"{TOPS[1]}/{TOPS[1]}/audio_and_txt_files/{NAMES[1]}.{suffix}"
    content = corpora.wav(801) if suffix == "wav" else b"0.0\t0.2\t1\t1\r\n"  # the annotations have equal sizes
    path = corpora.zipped(tmp_path / "a.zip", kaggle(*TOPS) | {place: content})
    error = project.refused(settings("archive", path), f"Copies of 1 file differ: {NAMES[1]}.{suffix}")
    assert f"{path}: {place}" in error.where
    assert f"{path}: {place.replace(TOPS[1], TOPS[0])}" in error.where


def test_own_recordings_need_their_own_split(tmp_path, project):
    files = kaggle(TOPS[0])
    files[f"{TOPS[0]}/{TOPS[0]}/audio_and_txt_files/{NAMES[0]}.wav"] = corpora.wav(801)
    path = corpora.zipped(tmp_path / "a.zip", files)
    error = project.refused(settings("archive", path), rf"{SPLIT_FILE} is missing.* 1 recording of 5 \({NAMES[0]}\)")
    assert f"look for {SPLIT_FILE} on https://bhichallenge.med.auth.gr/" in error.hint
    assert "each line has the name of a recording, and train or test" in error.hint

    own = corpora.lay_out(tmp_path / "own", {SPLIT_FILE: "".join(f"{name} test\n" for name in NAMES).encode()})
    source = project.download(settings("archive", path, metadata=own))
    assert (source["identity"]["name"], source["shipped_metadata"]) == ("icbhi-format", [])
    assert FOLDS_FILE not in project.names("metadata")


def test_a_split_file_must_agree_with_the_official_split(tmp_path, project):
    split = corpora.metadata(NAMES)[SPLIT_FILE]
    path = corpora.zipped(tmp_path / "a.zip", kaggle(TOPS[0]) | {SPLIT_FILE: split})
    assert project.download(settings("archive", path))["shipped_metadata"] == [FOLDS_FILE]
    moved = split.replace(f"{NAMES[2]}\ttrain".encode(), f"{NAMES[2]}\ttest".encode())
    path = corpora.zipped(tmp_path / "b.zip", kaggle(TOPS[0]) | {SPLIT_FILE: moved})
    error = project.refused(settings("archive", path), f"for 1 recording: {NAMES[2]}")
    assert error.where == f"{path}: {SPLIT_FILE}"


def test_the_shipped_split_is_complete(tmp_path):
    folder = tmp_path / "metadata"
    folder.mkdir()
    for name, content in CORPUS.shipped_metadata([SPLIT_FILE, FOLDS_FILE], {}, {}).items():
        (folder / name).write_bytes(content)
    split = read_split(folder / SPLIT_FILE)
    sides = list(split.values())
    assert {side: sides.count(side) for side in expected.SPLIT_RECORDINGS} == expected.SPLIT_RECORDINGS
    assert set(split) - set(known_recordings.read()) == set(expected.CORRECTIONS)
    assert len((folder / FOLDS_FILE).read_text().split()) == 2 * expected.PATIENTS


@pytest.mark.real
def test_the_shipped_metadata_are_the_official_ones(real_icbhi):
    shipped = CORPUS.shipped_metadata([SPLIT_FILE, FOLDS_FILE], {}, {})
    for name, content in shipped.items():
        official = (real_icbhi / "metadata" / name).read_text()
        assert sorted(content.decode().splitlines()) == sorted(official.splitlines())
