"""Check of the parameters, left out where nothing has changed since the last one."""

from importlib import metadata

import pytest

from tasks.parameters import checked, judge
from tasks.runtime.errors import BreathlineError


@pytest.fixture
def checks(tmp_path, monkeypatch):
    """Return the list to which each check of a project is added; the project is `tmp_path`, with code beside it."""
    found = []
    monkeypatch.setattr(judge, "check_project", found.append)
    monkeypatch.setattr(checked, "CODE", tmp_path / "code")
    (tmp_path / "code/tasks").mkdir(parents=True)
    (tmp_path / "code/tasks/settings.py").write_text("LARGEST = 1")
    for name in checked.FILES:
        (tmp_path / name).write_text("a: 1")
    checked.check_project(tmp_path)
    assert found == [tmp_path]
    found.clear()
    return found


def test_a_project_is_checked_once(checks, tmp_path):
    checked.check_project(tmp_path)
    assert checks == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("params.yaml", "a: 2"),
        ("dvc.yaml", "a: 2"),
        ("code/tasks/settings.py", "LARGEST = 2"),
        ("code/tasks/new.py", ""),
        ("code/tasks/facts.yaml", "label_sets: {}"),
        (".cache/parameters.sha256", "damaged"),
    ],
)
def test_a_changed_file_is_checked(checks, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    checked.check_project(tmp_path)
    assert checks == [tmp_path]


@pytest.mark.parametrize("package", ["pydantic", "timm"])
def test_another_version_of_a_package_is_checked(checks, tmp_path, monkeypatch, package):
    installed = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0" if name == package else installed(name))
    checked.check_project(tmp_path)
    assert checks == [tmp_path]


def test_bytecode_decides_nothing(checks, tmp_path):
    (tmp_path / "code/tasks/__pycache__").mkdir()
    (tmp_path / "code/tasks/__pycache__/settings.cpython-312.pyc").write_bytes(b"code")
    checked.check_project(tmp_path)
    assert checks == []


def test_a_fault_is_found_each_time(checks, tmp_path, monkeypatch):
    def refuse(_):
        raise BreathlineError("A fault.")

    monkeypatch.setattr(judge, "check_project", refuse)
    (tmp_path / "params.yaml").write_text("a: 2")
    for _ in range(2):
        with pytest.raises(BreathlineError, match="A fault"):
            checked.check_project(tmp_path)


def test_without_a_file_every_check_is_made(checks, tmp_path):
    (tmp_path / "params.yaml").unlink()
    for _ in range(2):
        checked.check_project(tmp_path)
    assert checks == [tmp_path] * 2
