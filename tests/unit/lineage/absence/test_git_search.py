"""Search for a patient in all objects of Git."""

import gzip
from pathlib import Path

import pytest

from lineage.absence import git_search, stored_runs
from lineage.absence.file_search import FileSearch, Remnant
from lineage.absence.fingerprint import Fingerprint
from lineage.dvc_storage import Cache
from tasks.artifacts import CorpusFolders
from tasks.runtime.files import sha256
from tests import toy

NAME = "103_1b1_Tc_sc_Meditron"
WAV = b"RIFF of the patient"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    toy.call(tmp_path, "git", "init", "--quiet")
    (tmp_path / "first.txt").write_text("first")
    toy.commit(tmp_path, "first")
    return tmp_path


def searched(root: Path) -> FileSearch:
    wav = root.parent / "wav"
    wav.write_bytes(WAV)
    corpus = CorpusFolders("training", "icbhi")
    known = Fingerprint(
        taken_of="a run", corpus=corpus, files={sha256(wav): f"{NAME}.wav"}, rows={}, learned={}, unread=()
    )
    return FileSearch(root, "103", known, ["icbhi"])


def commit(root: Path, name: str, content: bytes, message: str = "a file") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)
    toy.commit(root, message)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("samples/breath.wav", WAV, f"all bytes of {NAME}.wav"),
        ("samples/breath.gz", gzip.compress(WAV, mtime=0), f"all bytes of {NAME}.wav (in its member content)"),
        (f"samples/{NAME}.wav", b"filtered", "its name"),
        ("people.json", b'{"patient_id": 103}', "the patient's number, under `patient_id`"),
        ("tasks/samples/breath.wav", WAV, f"all bytes of {NAME}.wav"),
    ],
    ids=["recording", "archive", "name", "number", "beside code"],
)
def test_a_file_of_an_earlier_commit_is_found(root, name, content, what):
    commit(root, name, content)
    toy.call(root, "git", "rm", "--quiet", name)
    toy.commit(root, "removed")
    search = searched(root)
    found = git_search.search(root, search)
    assert found == git_search.GitObjects(files=(Remnant(name, what),))
    assert search.unread == []


def test_messages_and_published_examples_are_kept_apart(root):
    commit(root, "docs/example.md", f"play {NAME}".encode())
    commit(root, "other.txt", b"other", message=f"remove {NAME}.wav")
    found = git_search.search(root, searched(root))
    assert found.examples == ("docs/example.md",)
    assert [(one.path[:7], one.what) for one in found.files] == [("commit ", git_search.NAMED)]


def test_an_amended_commit_is_found_by_no_reference(root):
    commit(root, f"samples/{NAME}.wav", WAV)
    toy.call(root, "git", "rm", "--quiet", "--cached", f"samples/{NAME}.wav")
    toy.call(root, "git", "commit", "--quiet", "--amend", "--allow-empty", "-m", "amended")
    found = git_search.search(root, searched(root))
    assert found.files == ()
    assert {one.what for one in found.unreachable} == {"the name of a file", f"all bytes of {NAME}.wav"}


@pytest.mark.parametrize("damage", ["lost", "changed", "no repository"])
def test_a_damaged_repository_is_noted_as_unread(root, damage):
    commit(root, "second.txt", b"second")
    blob = toy.call(root, "git", "rev-parse", "HEAD:second.txt").strip()
    path = root / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    if damage == "lost":
        path.unlink()
    elif damage == "changed":
        path.write_bytes(b"no object")
    else:
        (root / ".git/HEAD").write_text("nothing")
    search = searched(root)
    assert git_search.search(root, search).files == ()
    assert any(one.startswith("Git: ") for one in search.unread), search.unread


def test_a_dvc_lock_that_cannot_be_read_is_noted_as_unread(root):
    commit(root, "dvc.lock", b"<<<<<<< HEAD\nstages: [")
    unread: list[str] = []
    assert stored_runs.read(root, Cache(root / "cache"), unread) == []
    assert len(unread) == 2, "that of the project, and that of the commit"


@pytest.mark.parametrize("record", [None, [], {}, {"inputs": [1], "outputs": []}, {"inputs": [{"path": "a"}]}])
def test_a_damaged_record_has_no_run(record):
    assert stored_runs.of_record(record, {}) is None
