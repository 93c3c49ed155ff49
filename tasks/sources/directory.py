"""Folder as a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.sources.collection import Collection, files_in


@contextmanager
def opened(path: Path) -> Iterator[Collection]:
    """Yield the files of a folder and its subfolders.

    Raises:
        BreathlineError: There is no such folder.
    """
    yield Collection(where=path, members=files_in(path, recursive=True), beside=path.resolve().parent, archive=None)
