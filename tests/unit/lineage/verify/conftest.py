import shutil
from pathlib import Path

import pytest


@pytest.fixture
def project(small_run: Path, tmp_path: Path) -> Path:
    """Return a copy of the small project that a test may change."""
    return shutil.copytree(small_run, tmp_path / "project", symlinks=True)
