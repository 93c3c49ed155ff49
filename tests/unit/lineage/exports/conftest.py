import shutil

import pytest

from lineage import project


@pytest.fixture(scope="session")
def made(small_project):
    return project.load(small_project)


@pytest.fixture
def copied(small_project, tmp_path):
    """Return a copy of the small project without its audio files."""
    return shutil.copytree(small_project, tmp_path / "p", ignore=shutil.ignore_patterns("audio", "waveforms"))
