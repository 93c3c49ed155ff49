"""Datasets on the Hugging Face hub as a source: files of a repository at one commit."""

import hashlib
import logging
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed
from tasks.sources import archive, limits, system_files
from tasks.sources.collection import Collection, Dataset, FileKind, Member, chunks_of, files_in
from tasks.sources.hub_library import ask
from tasks.sources.many import RemoteFile, fetch_all

COMMIT = re.compile("[0-9a-f]{40}")
BY_HAND = "fetch it by hand (`hf download --repo-type dataset`), and set `source: directory`"

log = logging.getLogger("download")


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """File of a dataset.

    Attributes:
        name: Path in the repository.
        size: Size in bytes.
        sha256: SHA-256 of a large file (Git LFS).
        blob: Git's hash of the content, or of the pointer of a large file; empty if the hub was not asked.
        cached: Path in the hub's cache, if the file is there.
    """

    name: str
    size: int
    sha256: str | None = None
    blob: str = ""
    cached: Path | None = None

    @property
    def is_zip(self) -> bool:
        """True if the file is a zip archive, by its name."""
        return self.name.lower().endswith(".zip")

    def place(self, downloads: Path) -> Path:
        """Return the path of the content; files of equal content have one."""
        return self.cached or downloads / f"{self.sha256 or self.blob}{'.zip' if self.is_zip else ''}"

    def check(self, path: Path) -> None:
        """Refuse a fetched file whose content is not that of the commit.

        Raises:
            BreathlineError: The hash differs.
        """
        content = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)
        for chunk in chunks_of(path):
            content.update(chunk)
        if content.hexdigest() != (self.sha256 or self.blob):
            raise BreathlineError(f"{self.name} has another hash than at the commit.", where=path)


@contextmanager
def fetched(
    dataset: str, revision: str | None, downloads: Path, *, kind: Callable[[str], FileKind | None]
) -> Iterator[Collection]:
    """Yield the files of a dataset: recordings, annotations and metadata, or the members of its only zip archive.

    Files in the hub's cache are used; others are fetched into `downloads`. This folder is removed after the block, and
    kept after an error.

    Args:
        dataset: Owner and name, with ``/``.
        revision: Commit, branch or tag; None for the current commit.
        downloads: Folder of fetched files.
        kind: Function that returns the kind of a file by its path.

    Raises:
        TransientError: The hub cannot be reached, or is busy.
        BreathlineError: The hub refuses the dataset, the dataset holds no recordings, or it exceeds a limit.
    """
    from huggingface_hub import constants

    commit, files = _cached_copy(dataset, revision) if constants.HF_HUB_OFFLINE else _describe(dataset, revision)
    if commit != revision:
        log.warning(f"{dataset}: the commit is {commit}; to pin it, set `revision: {commit}`")
    chosen = _choose(dataset, files, kind)
    _fetch(dataset, commit, [file for file in chosen if file.cached is None], downloads)
    loose = [
        Member(
            name=file.name,
            origin=f"{dataset}: {file.name}",
            size=file.size,
            chunks=partial(chunks_of, file.place(downloads)),
        )
        for file in chosen
        if not file.is_zip
    ]
    zips = [file for file in chosen if file.is_zip]
    found = Collection(
        where=Path(dataset), members=loose, beside=downloads, dataset=Dataset(name=dataset, revision=commit)
    )
    downloads.mkdir(parents=True, exist_ok=True)
    with archive.opened(zips[0].place(downloads), sha256=None) if zips else nullcontext() as opened:
        if opened is not None:
            about = opened.archive and replace(opened.archive, name=PurePosixPath(zips[0].name).name)
            found = replace(found, members=[*loose, *opened.members], archive=about)
        yield found
    shutil.rmtree(downloads)


def current_commit(dataset: str, revision: str | None) -> str:
    """Return the commit of a branch or tag; None means the main branch.

    Raises:
        TransientError: The hub cannot be reached, or is busy.
        BreathlineError: The hub refuses the dataset.
    """
    return revision if revision and COMMIT.fullmatch(revision) else _describe(dataset, revision)[0]


def _describe(dataset: str, revision: str | None) -> tuple[str, list[HubFile]]:
    """Return commit and files of a dataset, for which the hub is asked."""
    from huggingface_hub import HfApi, constants, try_to_load_from_cache

    request = partial(HfApi().dataset_info, dataset, revision=revision, files_metadata=True, timeout=limits.ANSWER_S)
    found = ask(request, f"dataset `{dataset}`", where=_where(dataset, revision), hint=_hint(dataset, revision))
    commit, files = str(found.sha), []
    for one in found.siblings or []:
        if one.size is None or one.blob_id is None:
            what = f"The hub states no size or no hash of {one.rfilename}."
            raise BreathlineError(what, where=_where(dataset, revision), hint=BY_HAND)
        cached = try_to_load_from_cache(
            dataset, one.rfilename, cache_dir=constants.HF_HUB_CACHE, revision=commit, repo_type="dataset"
        )
        place = Path(cached) if isinstance(cached, str) and Path(cached).stat().st_size == one.size else None
        sha256 = one.lfs.sha256 if one.lfs else None
        files.append(HubFile(name=one.rfilename, size=one.size, sha256=sha256, blob=one.blob_id, cached=place))
    return commit, files


def _cached_copy(dataset: str, revision: str | None) -> tuple[str, list[HubFile]]:
    """Return commit and files of a dataset in the hub's cache.

    Raises:
        BreathlineError: The cache has no copy, or an incomplete one.
    """
    from huggingface_hub import constants, errors, snapshot_download

    try:
        place = snapshot_download(
            dataset, repo_type="dataset", revision=revision, cache_dir=constants.HF_HUB_CACHE, local_files_only=True
        )
    except (errors.LocalEntryNotFoundError, errors.HFValidationError) as error:
        raise BreathlineError(
            "The dataset is not complete in the hub's cache, and HF_HUB_OFFLINE is set.",
            where=_where(dataset, revision),
            hint="unset HF_HUB_OFFLINE",
        ) from error
    folder = Path(place)
    files = files_in(folder, recursive=True)
    return folder.name, [HubFile(name=file.name, size=file.size, cached=folder / file.name) for file in files]


def _choose(dataset: str, files: Sequence[HubFile], kind: Callable[[str], FileKind | None]) -> list[HubFile]:
    """Return the files to read: those of known kinds, and the only zip archive if no recording is beside it.

    Raises:
        BreathlineError: The dataset holds neither recordings nor one zip archive.
    """
    visible = [file for file in files if not system_files.is_one(file.name)]
    chosen = [file for file in visible if kind(file.name)]
    if all(kind(file.name) != "audio" for file in chosen):
        zips = [file for file in visible if file.is_zip]
        if len(zips) != 1:
            raise _without_recordings(dataset, visible)
        chosen += zips
    if others := [file.name for file in visible if file not in chosen]:
        log.info(f"{counted(len(others), 'other file')} of the dataset: not fetched ({listed(others)})")
    return chosen


def _without_recordings(dataset: str, files: Sequence[HubFile]) -> BreathlineError:
    """Return the error of a dataset without recordings that can be read."""
    zips = [file.name for file in files if file.is_zip]
    tables = [file.name for file in files if file.name.lower().endswith(".parquet")]
    if zips:
        what = f"The dataset holds {len(zips)} zip archives ({listed(zips)}), and no recordings beside them."
        hint = "fetch the right one by hand, and set `source: archive`"
    elif tables:
        what = f"The dataset holds its recordings in Parquet tables ({listed(tables)}), which are not read."
        hint = "write recordings and annotations to files, and set `source: directory`"
    else:
        what = "The dataset holds neither recordings (.wav) nor a zip archive."
        hint = f"correct the name; files: {listed([file.name for file in files]) or 'none'}"
    return BreathlineError(what, where=_where(dataset, None), hint=hint)


def _fetch(dataset: str, commit: str, files: Sequence[HubFile], downloads: Path) -> None:
    """Fetch files that are not in the hub's cache."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # not marked as exported

    wanted = [
        RemoteFile(
            name=file.name,
            url=hf_hub_url(dataset, file.name, repo_type="dataset", revision=commit),
            target=file.place(downloads),
            size=file.size,
            check=file.check,
        )
        for file in files
    ]
    fetch_all(wanted, headers=build_hf_headers(), hint=BY_HAND)


def _where(dataset: str, revision: str | None) -> str:
    """Return the key of params.yaml, with its value, for error messages."""
    return f"params.yaml: dataset: {dataset}" + (f", revision: {revision}" if revision else "")


def cache_folder(dataset: str) -> Path:
    """Return the folder of a dataset in the hub's cache, whether or not it exists."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"datasets--{dataset.replace('/', '--')}"


def _hint(dataset: str, revision: str | None) -> str:
    """Return the next step after an error of the hub; without the network, a copy in its cache helps."""
    use_cache = "set HF_HUB_OFFLINE=1 to use the copy in the hub's cache, or " if cache_folder(dataset).is_dir() else ""
    return f"{use_cache}correct `dataset` and `revision`, or {BY_HAND}"
