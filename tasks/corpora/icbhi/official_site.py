"""Official site as a source: the archive and its metadata files, by HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Collection as AbstractCollection
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tasks.corpora.icbhi import metadata
from tasks.corpora.settings import DownloadSettings

if TYPE_CHECKING:
    from tasks.sources.collection import Collection
    from tasks.sources.retries import RetryPolicy

SITE = ("https://bhichallenge.med.auth.gr/sites/default/files/ICBHI_final_database/",)
ARCHIVE = "ICBHI_final_database.zip"
# Metadata files of the official site, and their readers. The site does not have the fold list.
METADATA: dict[str, Callable[[Path], object]] = {
    metadata.SPLIT_FILE: metadata.read_split,
    metadata.DIAGNOSIS_FILE: metadata.read_diagnosis,
    metadata.DEMOGRAPHICS_FILE: metadata.read_demographics,
}


@contextmanager
def fetched(
    settings: DownloadSettings, downloads: Path, *, at_hand: AbstractCollection[str], policy: RetryPolicy | None = None
) -> Iterator[Collection]:
    """Yield the files of the official archive, with the metadata files beside it.

    Args:
        settings: Mirrors instead of the official site, and the archive's SHA-256 where it is known.
        downloads: The folder in which fetched files are kept.
        at_hand: Names of metadata files that need not be fetched.
        policy: Retry policy of each mirror; None for the usual one.

    Raises:
        BreathlineError: No mirror has a file.
        BrokenArchiveError: The archive is damaged.
    """
    from tasks.sources import archive  # with the libraries for HTTP, which the reading of an annotation does not need
    from tasks.sources.http import fetch_first

    wanted = {name: read for name, read in METADATA.items() if name not in at_hand}
    for name, check in [*wanted.items(), (ARCHIVE, archive.check_zip)]:
        fetch_first(
            [f"{mirror.rstrip('/')}/{quote(name)}" for mirror in settings.mirrors or SITE],
            downloads / name,
            sha256=settings.sha256 if name == ARCHIVE else None,
            check=check,
            policy=policy,
        )
    with archive.downloaded(downloads / ARCHIVE, sha256=settings.sha256) as collection:
        yield collection
