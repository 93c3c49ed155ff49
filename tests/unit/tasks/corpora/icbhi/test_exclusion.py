"""Patients who are left out: nothing but their number and how many recordings they had goes on."""

import hashlib
from pathlib import Path

import pytest

from tasks.corpora.icbhi.metadata import DIAGNOSIS_FILE, SPLIT_FILE
from tests.unit.tasks.download.project import FULL, NAMES, settings
from tests.unit.tasks.sources import corpora


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
