"""Results of `download`: equal from every source, complete or a named part, without excluded patients."""

import hashlib
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tasks.corpora.icbhi.metadata import DIAGNOSIS_FILE, FOLDS_FILE, SPLIT_FILE
from tests.unit.tasks.download.project import FULL, NAMES, publish, settings
from tests.unit.tasks.sources import corpora

WHOLE = corpora.many(919)


def test_an_archive_and_a_folder_bring_the_same(tmp_path, project):
    clutter = {"__MACOSX/ICBHI_final_database/._101_1b1_Al_sc_Meditron.wav": b"fork", "x/.DS_Store": b"", "README": b""}
    files = FULL | clutter
    zipped = corpora.zipped(tmp_path / "part.zip", files)
    brought = []
    for given in (settings("archive", zipped), settings("directory", corpora.lay_out(tmp_path / "folder", files))):
        brought.append(project.download(given))
        assert project.names("audio") == sorted(f"{name}.{suffix}" for name in NAMES for suffix in ("wav", "txt"))
        assert project.names("metadata") == sorted(corpora.metadata(NAMES))
        assert (project.raw / "metadata" / SPLIT_FILE).read_bytes() == FULL[SPLIT_FILE]
        assert (project.raw / "audio" / f"{NAMES[0]}.wav").read_bytes() == corpora.wav()
    data = zipped.read_bytes()
    assert brought[0] | {"archive": None, "source": "directory"} == brought[1]
    assert brought[0]["archive"] == {"name": "part.zip", "sha256": sha256(data).hexdigest(), "bytes": len(data)}
    assert brought[0]["other_files"] == 1, "files of the system do not count"
    assert (brought[0]["recordings"], brought[0]["missing"], brought[0]["format"]) == (4, [], "icbhi")
    assert (brought[0]["identity"]["name"], brought[0]["identity"]["verified"]) == ("icbhi-format", False)


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of 920 recordings that pass as the published ones; one has another name in the split file."""
    return publish([*WHOLE, corpora.ODD[1]], tmp_path / "known.tsv", monkeypatch)


@pytest.mark.slow
def test_the_whole_database_with_its_one_wrong_name(tmp_path, project, known):
    in_split, in_truth = corpora.ODD
    files = corpora.recordings(known) | corpora.metadata([*WHOLE, in_split])
    source = project.download(settings("archive", corpora.zipped(tmp_path / "a.zip", files), expect="full"))
    assert (source["format"], source["recordings"], source["missing"]) == ("icbhi", 920, [])
    assert source["corrections"] == [{"name_in_split": in_split, "recording_id": in_truth}]
    assert source["shipped_metadata"] == []
    identity = source["identity"]
    assert (identity["statement"], identity["verified"], identity["complete"]) == ("ICBHI 2017", True, True)
    assert (identity["matched_annotations"], identity["matched_audio"]) == (920, 1)
    excluded = project.download(settings("archive", tmp_path / "a.zip", expect="full", exclude_patients=[103, "101"]))
    assert excluded["excluded"] == {"101": 6, "103": 6}
    assert excluded["identity"]["statement"] == "A part of ICBHI 2017 (908 of 920 recordings)"


@pytest.mark.parametrize("changed", ["annotation", "audio", "name"])
def test_one_foreign_recording_makes_an_own_corpus(tmp_path, project, known, changed):
    files = corpora.recordings(known[:2]) | corpora.metadata(known[:2])
    folder = f"{corpora.FOLDER}/{known[0]}"
    if changed == "annotation":
        files[f"{folder}.txt"] = b"0.0\t0.1\t0\t1\n"
    elif changed == "audio":
        files[f"{folder}.wav"] = corpora.wav(801)
    else:
        names = [known[1], "399_1b1_Al_sc_Meditron"]
        files = corpora.recordings(names) | corpora.metadata(names)
    identity = project.download(settings("directory", corpora.lay_out(tmp_path / "f", files)))["identity"]
    assert (identity["verified"], identity["complete"], identity["name"]) == (False, False, "icbhi-format")
    assert identity["statement"] == "An own corpus in ICBHI's format (1 of its 2 recordings are ICBHI 2017's)"


@pytest.mark.parametrize(
    ("there", "what"),
    [
        (918, f"1 recordings of the metadata have no audio: {WHOLE[918]}"),
        (919, "has 919 recordings; the published corpus has 920"),
    ],
)
def test_a_full_corpus_is_complete(tmp_path, project, known, there, what):
    files = corpora.recordings(known[:there]) | corpora.metadata(known[:919])
    folder = corpora.lay_out(tmp_path / "f", files)
    error = project.refused(settings("directory", folder, expect="full"), what)
    assert "`expect: partial` in params.yaml" in str(error)


def test_an_own_corpus_is_full_when_nothing_that_it_lists_is_missing(tmp_path, project):
    source = project.download(settings("directory", corpora.lay_out(tmp_path / "f", FULL), expect="full"))
    assert (source["identity"]["name"], source["recordings"]) == ("icbhi-format", 4)


def test_a_part_is_counted_and_named(tmp_path, project, caplog):
    files = corpora.recordings(NAMES[:2]) | corpora.metadata(NAMES)
    alone = f"ICBHI_final_database/{NAMES[2]}.txt"
    folder = corpora.lay_out(tmp_path / "f", files | {alone: corpora.ANNOTATION})
    source = project.download(settings("directory", folder))
    assert (source["missing"], source["annotations_without_recording"]) == (sorted(NAMES[2:]), 1)
    assert f"{NAMES[2]}.txt" not in project.names("audio")
    assert f"2 recordings of the metadata have no audio: {NAMES[2]}, {NAMES[3]}" in caplog.text
    project.refused(settings("directory", folder, expect="full"), f"1 annotations have no recording: {NAMES[2]}")


@pytest.mark.parametrize("place", ["inside", "beside", "named"])
def test_metadata_are_found_under_any_name_in_any_place(tmp_path, project, place):
    variants = dict(
        zip(
            ["icbhi_challenge_train_test (1).txt", "patient_diagnosis.csv", "DEMOGRAPHIC_INFO.TXT"],
            corpora.metadata(NAMES, folds=False).values(),
            strict=True,
        )
    )
    inside = corpora.recordings(NAMES) | (variants if place == "inside" else {})
    path = corpora.zipped(tmp_path / "a.zip", inside)
    if place != "inside":
        corpora.lay_out(tmp_path if place == "beside" else tmp_path / "named", variants)
    source = project.download(settings("archive", path, metadata=tmp_path / "named" if place == "named" else None))
    for name, content in corpora.metadata(NAMES, folds=False).items():
        assert (project.raw / "metadata" / name).read_bytes() == content
        assert source["metadata"][name] == sha256(content).hexdigest()
    assert source["metadata"][FOLDS_FILE] is None


def test_named_metadata_take_precedence_over_those_of_the_source(tmp_path, project):
    named = corpora.lay_out(tmp_path / "named", {DIAGNOSIS_FILE: b"101 COPD\n"})
    corpora.lay_out(tmp_path, {DIAGNOSIS_FILE: b"101 Asthma\n"})
    project.download(settings("archive", corpora.zipped(tmp_path / "a.zip", FULL), metadata=named))
    assert (project.raw / "metadata" / DIAGNOSIS_FILE).read_bytes() == b"101 COPD\n"
    project.refused(settings("archive", tmp_path / "a.zip", metadata=tmp_path / "nowhere"), "no such folder")


@pytest.mark.slow  # generates the whole demo corpus: 4 s
def test_the_demo_is_generated_completely(project):
    source = project.download(settings("publisher", corpus="demo", expect="full"))
    assert (source["format"], source["archive"], source["missing"]) == ("demo", None, [])
    assert (source["identity"]["name"], source["identity"]["verified"]) == ("demo", True)
    assert len(project.names("audio")) == 2 * source["recordings"]
    assert FOLDS_FILE in project.names("metadata")


@pytest.mark.long  # zips 165 recordings: 10 s; `make test` runs a recipe on them
@pytest.mark.real
def test_the_real_recordings_are_a_part(real_icbhi, tmp_path, project):
    subprocess.run([sys.executable, real_icbhi / "unpack.py", tmp_path / "real", "--zip"], check=True)
    path = tmp_path / "real" / "ICBHI_final_database.zip"
    source = project.download(settings("archive", path))
    assert (source["format"], source["recordings"], len(source["missing"])) == ("icbhi", 165, 755)
    identity = source["identity"]
    assert identity["statement"] == "A part of ICBHI 2017 (165 of 920 recordings)"
    assert (identity["matched_annotations"], identity["matched_audio"]) == (165, 98)
    assert source["corrections"] == [{"name_in_split": corpora.ODD[0], "recording_id": corpora.ODD[1]}]
    for wav in (tmp_path / "real" / "ICBHI_final_database").glob("*.wav"):
        assert sha256((project.raw / "audio" / wav.name).read_bytes()).digest() == sha256(wav.read_bytes()).digest()
    project.refused(settings("archive", path, expect="full"), "755 recordings of the metadata have no audio")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    odd = {"filename_differences.txt": b"1010_1b1_Al_sc_Meditron\n101_1b1_Al_sc_Meditron was renamed\n"}
    return corpora.lay_out(tmp_path / "corpus", FULL | odd)


def test_an_excluded_patient_is_removed_and_counted(folder, project):
    source = project.download(settings("directory", folder, exclude_patients=[101]))
    assert project.names("audio") == sorted(f"{name}.{suffix}" for name in NAMES[2:] for suffix in ("wav", "txt"))
    assert (source["recordings"], source["excluded"], source["missing"]) == (2, {"101": 2}, [])
    kept = {path.name: path.read_bytes() for path in (project.raw / "metadata").iterdir()}
    assert kept[DIAGNOSIS_FILE] == b"102\tHealthy\n"
    assert kept[SPLIT_FILE] == f"{NAMES[2]}\ttrain\r\n{NAMES[3]}\ttest\r\n".encode()
    assert kept["filename_differences.txt"] == b"1010_1b1_Al_sc_Meditron\n", "1010 is another patient"
    assert source["metadata"][SPLIT_FILE] == hashlib.sha256(kept[SPLIT_FILE]).hexdigest()


def test_an_unknown_patient_is_an_error(folder, project):
    project.refused(settings("directory", folder, exclude_patients=[101, 110]), "no patient 110")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_other_lines_keep_their_bytes(encoding, tmp_path, project):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    text = mark + "Patient,Diagnosis\r\n101,URTI\r102,Healthy\n\n0101 , URTI\r\n103,COPD"
    files = corpora.recordings(NAMES) | corpora.metadata(NAMES) | {DIAGNOSIS_FILE: text.encode(encoding)}
    folder = corpora.lay_out(tmp_path / "f", files)
    project.download(settings("directory", folder, exclude_patients=[101]))
    kept = (project.raw / "metadata" / DIAGNOSIS_FILE).read_bytes()
    assert kept == (mark + "Patient,Diagnosis\r\n102,Healthy\n\n103,COPD").encode(encoding)
