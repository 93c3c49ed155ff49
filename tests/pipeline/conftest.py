"""A Prefect server and a finished run of the whole graph, made once for all tests of a process.

tests/conftest.py keeps the tests that need them in one process each: the groups `server` and `run`.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import toy
from tests.pipeline import runs


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses this session's own Prefect server, on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        from prefect.settings import PREFECT_API_URL
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=240):
            yield toy.ENV | {
                "PREFECT_API_URL": str(PREFECT_API_URL.value()),
                "PREFECT_HOME": os.environ["PREFECT_HOME"],
            }


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> Path:
    """Return the finished run. No test may change it."""
    return runs.finished(tmp_path_factory.mktemp("run") / "project")


@pytest.fixture
def project(finished_run, tmp_path) -> Iterator[Path]:
    """Yield a copy of the run to be tampered with."""
    yield runs.copy(finished_run, tmp_path / "project")
    shutil.rmtree(tmp_path / "project")
