"""Datasets on Kaggle as a source, through the library kagglehub."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from tasks.runtime import time_limit
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.sources import archive, limits, proxies, responses
from tasks.sources.collection import Collection, Dataset, folder
from tasks.sources.http import fetch_first

LOG_IN = "set KAGGLE_API_TOKEN, or write the token to ~/.kaggle/access_token (kaggle.com: Settings, API)"

Answer = TypeVar("Answer")
log = logging.getLogger("download")


@contextmanager
def fetched(dataset: str, revision: str | None, downloads: Path, *, sha256: str | None) -> Iterator[Collection]:
    """Yield the files of a dataset: those of its archive, or of the unpacked copy in kagglehub's cache.

    The archive is fetched into `downloads`. This folder is removed after the block, and kept after an error.

    Args:
        dataset: Owner and name, with ``/``.
        revision: Number of the version; None for the current one.
        downloads: Folder of the fetched archive.
        sha256: Expected SHA-256 of the archive; then the cache, which has no archive, is not used.

    Raises:
        TransientError: Kaggle cannot be reached, or is busy.
        BreathlineError: Kaggle refuses the dataset, the library is missing, or the archive is not a zip.
        BrokenArchiveError: The archive is damaged.
    """
    version = revision or current_version(dataset)
    if revision is None:
        log.warning(f"{dataset}: the version is {version}; to pin it, set `revision: {version}`")
    found = Dataset(name=dataset, revision=version)
    cached = _cached_copy(dataset, version)
    if cached is not None and sha256 is None:
        log.info(f"{dataset}, version {version}, is read from kagglehub's cache: {cached}")
        yield replace(folder(cached), dataset=found)
        return
    path = downloads / f"{dataset.replace('/', '--')}--{version}.zip"
    if not path.exists():
        url = _archive_url(dataset, version)
        fetch_first([url], path, sha256=sha256, check=archive.check_zip, hint=_by_hand(dataset))
    with archive.downloaded(path, sha256=sha256) as collection:
        yield replace(collection, dataset=found)


def current_version(dataset: str) -> str:
    """Return the number of a dataset's current version.

    Raises:
        TransientError: Kaggle cannot be reached, or is busy.
        BreathlineError: Kaggle refuses the dataset, or the library is missing.
    """

    def ask(client: Any) -> str:
        from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

        request = ApiGetDatasetRequest()
        request.owner_slug, request.dataset_slug = dataset.split("/")
        return str(client.datasets.dataset_api_client.get_dataset(request).current_version_number)

    return _answer(dataset, None, ask)


def _archive_url(dataset: str, version: str) -> str:
    """Return the address of a version's archive. It holds a signature that is valid for some time."""

    def ask(client: Any) -> str:
        from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

        request = ApiDownloadDatasetRequest()
        request.owner_slug, request.dataset_slug = dataset.split("/")
        request.dataset_version_number = int(version)
        with client.datasets.dataset_api_client.download_dataset(request) as response:
            return str(response.url)

    return _answer(dataset, version, ask)


def _answer(dataset: str, version: str | None, ask: Callable[[Any], Answer]) -> Answer:
    """Return Kaggle's answer to a request.

    Args:
        dataset: Owner and name.
        version: Number of the version, if one is asked for.
        ask: Function that sends the request with a client of Kaggle's API.
    """
    _require_library(dataset)
    import requests
    from kagglehub.clients import build_kaggle_client

    proxies.check("socks", "PySocks")

    def call() -> Answer:
        with build_kaggle_client() as client:
            return ask(client)

    try:
        return time_limit.call(call, limits.ANSWER_S)
    except requests.HTTPError as error:
        raise _refusal(dataset, version, error.response) from error
    except (requests.RequestException, TimeoutError) as error:
        proxy = proxies.proxy_of("https://api.kaggle.com")
        through = f" through the proxy of {proxy}" if proxy else ""
        what = f"Kaggle cannot be reached{through}: {_reason(error)}."
        raise TransientError(what, where=_where(dataset, version), hint=_without_network(dataset)) from error
    except ValueError as error:  # of credentials in a wrong form
        raise BreathlineError(f"kagglehub refuses its settings: {error}.", hint=LOG_IN) from error


def _refusal(dataset: str, version: str | None, response: Any) -> BreathlineError:
    """Return the error of a request that Kaggle refuses.

    Args:
        dataset: Owner and name.
        version: Number of the version, if one was asked for.
        response: Kaggle's response, of the library requests.
    """
    from kagglehub.config import get_kaggle_credentials

    code, where, page = response.status_code, _where(dataset, version), f"https://www.kaggle.com/datasets/{dataset}"
    if code == 404:
        what = f"Kaggle has no dataset `{dataset}`" + (f", or no version {version} of it." if version else ".")
        return BreathlineError(what, where=where, hint=f"correct it: a dataset has the page {page}")
    if code in (401, 403) and get_kaggle_credentials() is None:
        what = f"Kaggle has no public dataset `{dataset}` (HTTP {code})."
        return BreathlineError(what, where=where, hint=f"correct the name; for a private one, {LOG_IN}")
    if code in (401, 403):
        what = f"Kaggle refuses your credentials for the dataset `{dataset}` (HTTP {code})."
        return BreathlineError(what, where=where, hint=f"accept its terms on {page}; or {LOG_IN}")
    pause = response.headers.get("Retry-After", "")
    again = f", try again in {pause} s" if pause.isdecimal() else ""
    what = f"Kaggle does not give the dataset `{dataset}`: HTTP {code} {response.reason}{again}."
    if code in responses.BUSY:
        return TransientError(what, where=where, hint=f"try again later, or {_by_hand(dataset)}")
    return BreathlineError(what, where=where, hint=_by_hand(dataset))


def _reason(error: Exception) -> str:
    """Return the reason of a failed connection, without the address, which may hold a signature."""
    if isinstance(error, TimeoutError):
        return f"no answer within {limits.ANSWER_S:g} s"
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)
    if isinstance(cause, Exception) and len(cause.args) > 1 and isinstance(cause.args[1], Exception):
        cause = cause.args[1]  # of a connection that was lost
    text = str(cause).rpartition(": ")[2]
    return type(error).__name__ if "?" in text else text


def _cached_copy(dataset: str, version: str) -> Path | None:
    """Return the folder of a version in kagglehub's cache, or None if it is not complete there."""
    _require_library(dataset)
    from kagglehub.cache import Cache
    from kagglehub.handle import parse_dataset_handle

    found = Cache().load_from_cache(parse_dataset_handle(f"{dataset}/versions/{version}"))
    return Path(found) if found else None


def cache_folder(dataset: str) -> Path:
    """Return the folder of a dataset in kagglehub's cache, whether or not it exists."""
    _require_library(dataset)
    from kagglehub.config import get_cache_folder

    return Path(get_cache_folder(), "datasets", dataset)


def _cached_versions(dataset: str) -> list[str]:
    """Return the numbers of the versions in kagglehub's cache, in ascending order."""
    names = (path.name for path in (cache_folder(dataset) / "versions").glob("*") if path.name.isdecimal())
    return [name for name in sorted(names, key=int) if _cached_copy(dataset, name)]


def _without_network(dataset: str) -> str:
    """Return the next step if Kaggle cannot be reached; a copy in kagglehub's cache needs no network."""
    versions = _cached_versions(dataset)
    use_cache = f"set `revision: {versions[-1]}` (in kagglehub's cache), " if versions else ""
    return f"{use_cache}try again later, or {_by_hand(dataset)}"


def _by_hand(dataset: str) -> str:
    return f"fetch the zip by hand from https://www.kaggle.com/datasets/{dataset}, and set `source: archive`"


def _where(dataset: str, version: str | None) -> str:
    """Return the key of params.yaml, with its value, for error messages."""
    return f"params.yaml: dataset: {dataset}" + (f", revision: {version}" if version else "")


def _require_library(dataset: str) -> None:
    """Refuse to continue without the library kagglehub.

    Raises:
        BreathlineError: It is not installed.
    """
    if find_spec("kagglehub") is None:
        raise BreathlineError(
            "The source `kaggle` needs the library kagglehub, which is not installed.",
            where=_where(dataset, None),
            hint=f"install the extra `kaggle`: pip install 'breathline[kaggle]'; or {_by_hand(dataset)}",
        )
