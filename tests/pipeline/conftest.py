"""One Prefect server for all tests of a session that need one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import toy


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[dict[str, str]]:
    """Yield the environment of a process that uses this session's own Prefect server, on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        from prefect.settings import PREFECT_API_URL
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=120):
            yield toy.ENV | {
                "PREFECT_API_URL": str(PREFECT_API_URL.value()),
                "PREFECT_HOME": os.environ["PREFECT_HOME"],
            }
