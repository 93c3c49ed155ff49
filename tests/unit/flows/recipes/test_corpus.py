"""The corpus that a user names."""

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
    for number in range(101, 1021):
        (whole / f"{number}_1b1_Al_sc_Meditron.wav").touch()
    for name in ("demo", "icbhi"):
        given = corpus.settings(name)
        assert (given["corpus"], given["source"], given["expect"]) == (name, "publisher", "full")
    part = corpus.settings(str(archive))
    assert (part["corpus"], part["source"], part["path"]) == ("icbhi", "archive", str(archive))
    assert part["expect"] == "partial"
    assert corpus.settings(str(whole))["expect"] == "full"
    (whole / "101_1b1_Al_sc_Meditron.wav").unlink()
    assert corpus.settings(str(whole)) | {"path": None} == corpus.settings("icbhi") | {
        "source": "directory",
        "expect": "partial",
    }
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "cough.wav").touch()
    for path in (tmp_path / "strange", tmp_path / "none", ROOT / "params.yaml", ROOT / "recipes"):
        with pytest.raises(BreathlineError, match=r"There is no such|not a zip|no recording"):
            corpus.settings(str(path))
