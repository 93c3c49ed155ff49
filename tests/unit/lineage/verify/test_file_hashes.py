"""Hashes compared with those of DVC."""

import pytest
from ruamel.yaml import YAML

from lineage.verify.file_hashes import FileHashes
from tests import toy

GRAPH = """\
stages:
  made:
    cmd: "true"
    deps: [src.txt, read]
    outs: [written]
"""


def test_folders_have_the_md5_of_dvc(tmp_path):
    root = toy.make(tmp_path / "project", GRAPH)
    (root / ".dvcignore").write_text("__pycache__/\n*.pyc\n")
    for name in ("read/b.py", "read/a/ä.txt", "read/a-b.txt", "read/.gitignore", "read/__pycache__/b.pyc", "written/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"what {name} says\n")
    toy.call(root, "dvc", "commit", "--force", "--quiet")
    stage = YAML(typ="safe").load(root / "dvc.lock")["stages"]["made"]
    hashes = FileHashes(root)
    entries = {entry["path"]: entry for kind in ("deps", "outs") for entry in stage[kind]}
    assert set(entries) == {"src.txt", "read", "written"}
    assert {path: hashes.dvc(path) for path in entries} == {path: entry["md5"] for path, entry in entries.items()}
    assert {path: hashes.versions(path)[entry["md5"]] for path, entry in entries.items()} == {
        path: entry["size"] for path, entry in entries.items()
    }
    for name in (".DS_Store", "a/._b.txt", ".ipynb_checkpoints/b-checkpoint.py"):
        (root / "read" / name).parent.mkdir(exist_ok=True)
        (root / "read" / name).write_text("of the system")
    found = FileHashes(root)
    assert found.versions("read") == {found.dvc("read"): entries["read"]["size"] + 39} | hashes.versions("read")
    assert found.listing("read") == hashes.listing("read")


def test_a_hard_link_is_read_once(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    hashes = FileHashes(tmp_path)
    hashes.prefetch(["a", "b", "absent"])
    assert hashes.read == (1, 3)
    assert hashes.of("a") == hashes.of("b")
    assert hashes.of("a").md5 == "900150983cd24fb0d6963f7d28e17f72"
    assert hashes.of("absent") is None


@pytest.mark.parametrize("name", ["absent", "folder"])
def test_a_missing_file_and_a_folder_have_no_hash(tmp_path, name):
    (tmp_path / "folder").mkdir()
    assert FileHashes(tmp_path).of(name) is None
