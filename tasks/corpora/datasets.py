"""Datasets on Kaggle or the Hugging Face hub as the source of a corpus."""

from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from tasks.corpora import registry, source_files
from tasks.corpora.settings import DownloadSettings
from tasks.sources import hub, kaggle
from tasks.sources.collection import Collection


def fetched(settings: DownloadSettings, downloads: Path) -> AbstractContextManager[Collection]:
    """Return the files of the dataset that the settings name, as a context manager.

    Args:
        settings: Corpus, source, dataset and revision.
        downloads: Folder of fetched files, which is kept after an interruption.
    """
    dataset, revision = _named(settings)
    if settings.source == "kaggle":
        return kaggle.fetched(dataset, revision, downloads, sha256=settings.sha256)
    kind = partial(source_files.kind, corpus=registry.get(settings.format))
    return hub.fetched(dataset, revision, downloads, kind=kind)


def revision(settings: DownloadSettings) -> str:
    """Return the version (Kaggle) or commit (hub) that the settings mean at present.

    Raises:
        TransientError: Kaggle or the hub cannot be reached, or is busy.
        BreathlineError: Kaggle or the hub refuses the dataset.
    """
    dataset, given = _named(settings)
    if settings.source == "kaggle":
        return given or kaggle.current_version(dataset)
    return hub.current_commit(dataset, given)


def _named(settings: DownloadSettings) -> tuple[str, str | None]:
    """Return dataset and revision as texts."""
    return settings.dataset or "", str(settings.revision) if settings.revision else None
