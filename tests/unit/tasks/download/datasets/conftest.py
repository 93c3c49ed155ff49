"""Stand-in of Kaggle and the Hugging Face hub on loopback, and its published recordings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.sources import http, many
from tasks.sources.retries import RetryPolicy
from tests.unit.tasks.download.project import KNOWN, publish
from tests.unit.tasks.sources.dataset_hosts import stand_in
from tests.unit.tasks.sources.server import Server


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for module in (http, many):
        monkeypatch.setattr(module, "RetryPolicy", lambda: RetryPolicy(attempts=2, first_wait=0.01, longest_wait=0.02))
    with stand_in(monkeypatch, tmp_path / "home") as server:
        yield server


@pytest.fixture(autouse=True)
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(KNOWN, tmp_path / "known.tsv", monkeypatch)
