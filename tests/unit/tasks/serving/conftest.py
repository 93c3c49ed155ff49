"""Server of the tests of one module."""

import pytest

from tests.unit.tasks.serving.servers import running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Yield a running server with the tiny model; its limits are those that generated recordings reach soon."""
    with running_server(tmp_path_factory.mktemp("serve"), max_bytes=2**21, max_seconds=60, timeout_s=5) as found:
        yield found
