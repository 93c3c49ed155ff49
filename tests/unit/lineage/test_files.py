"""Descriptions of files and folders in records."""

import hashlib

import numpy as np
import pytest

from lineage import files


@pytest.fixture
def root(tmp_path):
    (tmp_path / "data/a/b").mkdir(parents=True)
    (tmp_path / "data/a/.gitignore").write_text("/b\n")
    (tmp_path / "data/a/b/x.json").write_text("{}")
    np.save(tmp_path / "data/a/y.npy", np.arange(3))
    return tmp_path


def test_a_folder_is_described_with_its_files(root):
    folder, inner, single = files.describe(root, ["data/a", "data/a/b", "data/a/y.npy"])
    assert [file["path"] for file in folder["files"]] == ["data/a/b/x.json", "data/a/y.npy"]
    assert inner["files"] == folder["files"][:1]
    assert single == folder["files"][1]
    assert folder["bytes"] == 2 + single["bytes"]
    digests = [hashlib.sha256((root / file["path"]).read_bytes()).hexdigest() for file in folder["files"]]
    assert [file["sha256"] for file in folder["files"]] == digests
    assert folder["sha256"] == hashlib.sha256(f"{digests[0]}  b/x.json\n{digests[1]}  y.npy\n".encode()).hexdigest()


def test_a_known_content_hash_is_not_computed_again(root):
    (told,) = files.describe(root, ["data/a/y.npy"])
    (again,) = files.describe(root, ["data/a/y.npy"], {told["sha256"]: {"content": "known"}})
    assert again == told | {"content": "known"}


def test_a_missing_path_is_an_error(root):
    with pytest.raises(FileNotFoundError, match="gone"):
        files.describe(root, ["data/a", "data/gone"])
