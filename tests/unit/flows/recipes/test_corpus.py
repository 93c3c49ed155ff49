"""The corpus that a user names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from flows.recipes import corpus
from tasks.runtime.errors import BreathlineError

ROOT = Path(__file__).parents[4]


def test_a_folder_with_fewer_recordings_is_a_part(tmp_path):
    archive = tmp_path / "some.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("ICBHI_final_database/101_1b1_Al_sc_Meditron.wav", b"")
    whole = tmp_path / "all"
    whole.mkdir()
    for number in range(920):
        (whole / f"{number}.wav").touch()
    assert corpus.settings("demo")["source"] == "demo"
    assert (corpus.settings("icbhi")["source"], corpus.settings("icbhi")["expect"]) == ("icbhi", "full")
    part = corpus.settings(str(archive))
    assert (part["source"], part["path"], part["expect"]) == ("archive", str(archive), "partial")
    assert corpus.settings(str(whole))["expect"] == "full"
    (whole / "0.wav").unlink()
    assert corpus.settings(str(whole)) | {"path": None} == corpus.settings("demo") | {
        "source": "directory",
        "expect": "partial",
    }
    for path in (tmp_path / "none", ROOT / "params.yaml", ROOT / "recipes"):
        with pytest.raises(BreathlineError, match=r"There is no such|no zip|No recording"):
            corpus.settings(str(path))
