from pathlib import Path

import pytest

from tests.built_once import build_once
from tests.unit.lineage import small


@pytest.fixture(scope="session")
def several_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small project with a second corpus to learn from and an external one; tests change a copy."""
    return build_once(tmp_path_factory, "several", lambda root: small.build(root, small.SEVERAL))
