"""What all tests share: real recordings where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_icbhi() -> Path:
    """Return the folder of real recordings (its `unpack.py` lays them out), or skip, visibly."""
    folder = os.environ.get("BREATHLINE_REAL_ICBHI")
    if not folder:
        pytest.skip("BREATHLINE_REAL_ICBHI names no folder of real recordings")
    return Path(folder)


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """Return the folder of published weights, or skip, visibly."""
    folder = os.environ.get("BREATHLINE_WEIGHTS")
    if not folder:
        pytest.skip("BREATHLINE_WEIGHTS names no folder of published weights")
    return Path(folder)
