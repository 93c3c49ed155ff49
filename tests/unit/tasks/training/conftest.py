"""A project that trains in seconds, for each test."""

from pathlib import Path

import pytest

from tests.unit.tasks import trainings


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    trainings.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
