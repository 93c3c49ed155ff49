"""Search in archives and compressed files, in each other as well."""

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

from lineage.absence import fingerprint, members
from lineage.absence.file_search import FileSearch
from lineage.absence.fingerprint import Fingerprint
from tasks.artifacts import CorpusFolders

WAV, ROW = b"RIFF of the patient", np.arange(5, dtype=np.float32)
KNOWN = Fingerprint(
    taken_of="a run",
    corpus=CorpusFolders("training", "demo"),
    files={hashlib.sha256(WAV).hexdigest(): "a.wav"},
    rows={fingerprint.numbers_hash(ROW): "101_1b1_Tc_sc_Meditron_000"},
    learned={},
    unread=(),
)


def zipped(name: str, content: bytes, kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", kind) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def tarred(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        info = tarfile.TarInfo("folder/a.wav")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def saved(rows: np.ndarray) -> bytes:
    made = io.BytesIO()
    np.savez_compressed(made, rows=rows)
    return made.getvalue()


HOLDING = {
    "zip": zipped("a.wav", WAV),
    "zip in zip": zipped("inner.zip", zipped("a.wav", WAV)),
    "tar.gz": gzip.compress(tarred(WAV)),
    "bz2": bz2.compress(WAV),
    "xz": lzma.compress(WAV),
    "npz": saved(np.stack([ROW + 1, ROW])),
    "name of a member": zipped("101_1b1_Tc_sc_Meditron.wav", b"other"),
    "name in a page": gzip.compress(b"<p>101_1b1_Tc_sc_Meditron_003</p>"),
}
DAMAGED = {"zip": HOLDING["zip"][:60], "gz": HOLDING["tar.gz"][:30], "tar": tarred(WAV)[:520]}


@pytest.fixture
def searched(tmp_path):
    return FileSearch(tmp_path, "101", KNOWN, ["icbhi"])


@pytest.mark.parametrize("kind", HOLDING)
def test_members_are_searched(searched, tmp_path, kind):
    (tmp_path / "file").write_bytes(HOLDING[kind])
    assert any("(in its member " in remnant.what for remnant in searched.try_file("file"))
    assert searched.unread == []


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_archive_is_named_as_unread(searched, tmp_path, kind):
    (tmp_path / "file").write_bytes(DAMAGED[kind])
    assert searched.try_file("file") == []
    assert "file: it cannot be unpacked" in searched.unread[0]


def test_an_archive_that_unpacks_to_too_much_is_named_as_unread(searched, tmp_path, monkeypatch):
    monkeypatch.setattr(members, "MAX_BYTES", 1 << 20)
    (tmp_path / "file").write_bytes(gzip.compress(bytes(1 << 22)))
    assert searched.try_file("file") == []
    assert "its members have more than" in searched.unread[0]


def test_a_file_without_a_suffix_is_read_by_its_content(searched, tmp_path):
    np.save(tmp_path / "file.npy", np.stack([ROW, ROW + 2]))
    (tmp_path / "file.npy").rename(tmp_path / "file")
    assert searched.try_file("file")[0].what == "the samples or features of 101_1b1_Tc_sc_Meditron_000"


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("data/external/raw/hospital/metadata/diagnosis.txt", True),
        ("data/lineage/download_external@hospital.json", True),
        ("data/external/raw/hospital", True),
        ("data/raw/icbhi/audio/101_1b1_Tc_sc_Meditron.wav", False),
        ("data/lineage/extract@icbhi.json", False),
        ("data/cycles/cycles.parquet", False),
        ("data/evaluation/external.parquet", True),
    ],
)
def test_another_patient_of_the_same_number_is_told_by_the_path(tmp_path, name, may):
    own, other = CorpusFolders("external", "hospital"), CorpusFolders("training", "icbhi")
    search = FileSearch(tmp_path, "101", KNOWN, ["icbhi"], own=own, homonyms=[other])
    assert search.may_name(name) == may
