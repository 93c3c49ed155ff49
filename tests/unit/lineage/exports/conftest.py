from __future__ import annotations

from pathlib import Path

import pytest

from lineage import project
from lineage.project import Project


@pytest.fixture(scope="session")
def made(small_project: Path) -> Project:
    return project.load(small_project)
