"""Settings files of Prefect that its import cannot read."""

from pathlib import Path

import pytest

from cli.doctor import variables
from flows import prefect_server, prefect_settings
from tasks.runtime.errors import BreathlineError
from tests.unit.cli.doctor_checks import only

LATIN_1 = "# one\n# Größe\n".encode("latin-1")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", [".env", "prefect.toml", "pyproject.toml", "home/profiles.toml"])
def test_a_file_that_is_not_utf_8_is_named_with_its_line_by_runs_and_doctor(folder, name):
    path = folder / name
    path.write_bytes(LATIN_1)
    with pytest.raises(BreathlineError, match=r"is not UTF-8: byte 0xF6") as caught:
        prefect_server.check()
    assert caught.value.where == f"{path}:2"
    found = only(variables.prefect_server, folder)
    assert (found.state, f"{path}:2" in found.found, "UTF-8" in found.advice) == ("problem", True, True)


def test_a_file_that_is_not_toml_is_named(folder):
    (folder / "pyproject.toml").write_text("[tool\n", encoding="utf-8")
    with pytest.raises(BreathlineError, match=r"pyproject.toml is not TOML: .*line 1"):
        prefect_settings.check(folder)


def test_files_that_prefect_can_read_are_accepted(folder):
    (folder / ".env").write_text("NAME=Größe\n", encoding="utf-8")
    (folder / "prefect.toml").write_text('[api]\nurl = "http://Größe"\n', encoding="utf-8")
    prefect_settings.check(folder)
    assert prefect_settings.read(folder / "prefect.toml") == {"api": {"url": "http://Größe"}}
