from __future__ import annotations

from pathlib import Path

import pytest

from lineage import project
from lineage.project import Project
from tests.unit.lineage import small


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project that exports are made of; nobody changes it."""
    return small.build(tmp_path_factory.mktemp("exports") / "project")


@pytest.fixture(scope="session")
def made(built: Path) -> Project:
    return project.load(built)
