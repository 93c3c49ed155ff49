"""The small project of `tests.unit.lineage.small`, built once a session."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.lineage import small


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small project; tests that change it make a copy."""
    return small.build(tmp_path_factory.mktemp("small") / "project")


@pytest.fixture(scope="session")
def small_run(small_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small project with a committed dvc.lock and a cache; tests that change it make a copy."""
    root = shutil.copytree(small_project, tmp_path_factory.mktemp("run") / "project")
    small.lock(root)
    return root
