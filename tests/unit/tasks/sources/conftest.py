"""The server of tests/unit/tasks/conftest.py, with a file."""

import pytest

from tests.unit.tasks.sources.fetching import CONTENT
from tests.unit.tasks.sources.server import Server


@pytest.fixture
def server(server: Server) -> Server:
    """Return the server, which has the file `f`."""
    server.files["f"] = CONTENT
    return server
