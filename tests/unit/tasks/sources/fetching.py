"""A file on a server, and its download with quick retries."""

import random
from pathlib import Path

import pytest

from tasks.runtime.errors import BreathlineError
from tasks.sources.http import fetch_first
from tasks.sources.retries import RetryPolicy
from tests.unit.tasks.sources.server import Server

CONTENT = random.Random(1).randbytes(300_000)
NEWER = random.Random(2).randbytes(300_000)
QUICK = RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.05, read=30.0, connect=30.0)


def fetched(server: Server, target: Path, *, policy: RetryPolicy = QUICK, **options: object) -> Path:
    return fetch_first([server.url("f")], target, policy=policy, **options)


def refused(server: Server, target: Path, **options: object) -> str:
    """Return the error of a fetch that must fail, and of which nothing may look whole."""
    with pytest.raises(BreathlineError) as error:
        fetched(server, target, **options)
    assert not target.exists()
    return str(error.value)
