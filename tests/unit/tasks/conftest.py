"""Fixtures of several rooms: a project in which `download` runs, and an HTTP server that may misbehave."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tasks.download.project import Project
from tests.unit.tasks.sources.server import Server, serving


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        yield server
