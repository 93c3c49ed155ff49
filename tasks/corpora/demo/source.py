"""The generated corpus, as a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.corpora.demo import corpus
from tasks.sources.collection import Collection, files_in
from tasks.sources.settings import DemoSettings


@contextmanager
def generated(settings: DemoSettings, work: Path) -> Iterator[Collection]:
    """Yield the files of a generated corpus, laid out like the official one.

    Args:
        settings: Seed and size.
        work: A folder to generate it in; whoever gives it removes it.
    """
    folder = work / "demo"
    corpus.generate(folder, seed=settings.seed, patients=settings.patients)
    yield Collection(where=folder, members=files_in(folder, recursive=True), beside=folder, archive=None)
