"""State of a source of recordings: its files, found without a download, and their changes since the last run."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tasks.artifacts import CorpusFolders
from tasks.corpora import datasets, registry
from tasks.corpora.settings import DownloadSettings, configured
from tasks.runtime import time_limit
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.runtime.files import sha256, write_json
from tasks.sources import folder_walk, limits, proxies, responses

STATE = Path(".breathline/source.json")
NO_HEAD = (405, 501)  # servers that answer GET alone


@dataclass(frozen=True, kw_only=True)
class FileState:
    """State of one file of a source.

    Attributes:
        size: Size in bytes; None if unknown.
        time: Time of the last change: nanoseconds of the file system, or the server's ``Last-Modified``.
        mark: Mark of the content: a SHA-256, or the server's ETag; None if the server sends none.
        place: URL; None for a local file.
    """

    size: int | None
    time: int | str | None
    mark: str | None
    place: str | None = None


Files = Mapping[str, FileState]


def inspect(root: Path, settings: DownloadSettings, before: Files) -> dict[str, FileState]:
    """Return the current files of a source, by name.

    Args:
        root: Folder of the project, to which paths in the settings are relative.
        settings: Settings of the corpus.
        before: Files at the last run; a local file with equal size and time is not read again.

    Raises:
        TransientError: No mirror answers, and at least one may answer later.
        BreathlineError: The source is missing, or Kaggle or the hub refuses the dataset.
    """
    if settings.dataset is not None:
        return {settings.dataset: FileState(size=None, time=None, mark=datasets.revision(settings))}
    corpus = registry.get(settings.format)
    if settings.path is None:
        return dict(_remote(settings.mirrors or corpus.mirrors, corpus.publisher_files(), before))
    path = root / settings.path
    if not path.exists():
        raise BreathlineError("The source is missing.", where=path, hint="correct the path in params.yaml")
    found = {"": path} if path.is_file() else {one.relative_to(path).as_posix(): one for one in folder_walk.files(path)}
    # Metadata files may lie beside the source or in a folder of their own.
    for folder in filter(None, [path.resolve().parent, settings.metadata and root / settings.metadata]):
        found |= {str(one): one for one in folder_walk.files_at(folder) if corpus.metadata_name(one.name)}
    return {name: _local(one, before.get(name)) for name, one in sorted(found.items())}


def changes(before: Files, now: Files) -> list[str]:
    """Return the new, missing and changed files, as text; a file with equal content is none of them."""
    found = [f"new: {name or 'the archive'}" for name in now if name not in before]
    found += [f"missing: {name or 'the archive'}" for name in before if name not in now]
    found += [
        f"changed: {name or 'the archive'}" for name in now if name in before and _differ(before[name], now[name])
    ]
    return sorted(found)


def quiet_s(now: Files, moment: float) -> float:
    """Return the seconds since the last write to a local source; infinity for a mirror."""
    times = [moment - file.time / 1e9 for file in now.values() if isinstance(file.time, int)]
    return min(times, default=math.inf)


def watched(read: Mapping[str, Any]) -> dict[CorpusFolders, DownloadSettings]:
    """Return the corpora of a params.yaml whose source can have new recordings, those to learn from first.

    Raises:
        BreathlineError: There is none: all are generated.
    """
    corpora = configured(read)
    found = {corpus: one for corpus, one in corpora.items() if one.path or registry.get(one.format).publisher_files()}
    if not found:
        names = ", ".join(corpus.name for corpus in corpora)
        raise BreathlineError(
            f"No corpus has a source to watch: {names}.",
            where="params.yaml: corpora",
            hint="watch a folder or an archive: set source and path of a corpus",
        )
    return found


def read(root: Path, corpus: CorpusFolders, settings: DownloadSettings) -> dict[str, FileState]:
    """Return the files of a corpus's source at the last run; empty at the first, and after a change of the source."""
    kept = _states(root).get(corpus.name, {"source": None})
    try:
        if kept["source"] != _identity(settings):
            return {}
        return {name: FileState(**file) for name, file in kept["files"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise _unreadable(root, error) from error


def save(root: Path, corpus: CorpusFolders, settings: DownloadSettings, now: Files) -> None:
    """Save the files of a corpus's source for the comparison at the next run; the states of other corpora stay."""
    files = {name: asdict(file) for name, file in now.items()}
    states = {**_states(root), corpus.name: {"source": _identity(settings), "files": files}}
    write_json(root / STATE, {"corpora": states})


def _states(root: Path) -> dict[str, Any]:
    """Return the saved state of each corpus; none of an earlier version, which had one corpus without a name."""
    try:
        states: dict[str, Any] = dict(json.loads((root / STATE).read_text(encoding="utf-8")).get("corpora", {}))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(root, error) from error
    return states


def _unreadable(root: Path, error: Exception) -> BreathlineError:
    hint = "remove the file; then all files count as new"
    return BreathlineError(f"The last state cannot be read: {error}", where=root / STATE, hint=hint)


def _identity(settings: DownloadSettings) -> dict[str, Any]:
    """Return the settings that identify a source; the order of mirrors does not matter."""
    place = settings.dataset or (settings.path and str(settings.path))
    return {"format": settings.format, "source": settings.source, "path": place}


def _local(path: Path, before: FileState | None) -> FileState:
    found = path.stat()
    if before is not None and (before.size, before.time) == (found.st_size, found.st_mtime_ns):
        return before
    return FileState(size=found.st_size, time=found.st_mtime_ns, mark=sha256(path))


def _differ(before: FileState, now: FileState) -> bool:
    if before.place != now.place:  # marks of two mirrors are not comparable
        return None not in (before.size, now.size) and before.size != now.size
    if before.mark or now.mark:
        return before.mark != now.mark
    return (before.time, before.size) != (now.time, now.size)


def _remote(mirrors: Sequence[str], names: Iterable[str], before: Files) -> Iterator[tuple[str, FileState]]:
    proxies.check()
    with httpx.Client(timeout=limits.ANSWER_S, follow_redirects=True) as client:
        for name in names:
            urls = [f"{mirror.rstrip('/')}/{quote(name)}" for mirror in mirrors]
            # The mirror of the last run first: only its own marks are comparable.
            last = before[name].place if name in before else None
            yield name, _first(client, sorted(urls, key=lambda url: url != last))


def _headers(client: httpx.Client, url: str) -> httpx.Response:
    """Return the response to a request for the headers of a file."""
    identity = {"Accept-Encoding": "identity"}
    response = client.head(url, headers=identity)
    if response.status_code in NO_HEAD:
        with client.stream("GET", url, headers=identity) as response:
            pass  # the headers are enough
    return response


def _first(client: httpx.Client, urls: Iterable[str]) -> FileState:
    faults, transient = [], False
    for url in urls:
        try:
            # The client bounds each read alone, which a slow server repeats.
            response = time_limit.call(partial(_headers, client, url), limits.ANSWER_S)
        except TimeoutError:
            faults.append(f"{responses.shown(url)}: no complete answer within {limits.ANSWER_S:g} s")
            transient = True
            continue
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            faults.append(responses.described(url, error))
            transient |= responses.may_pass(error)
            continue
        if response.status_code != httpx.codes.OK:
            faults.append(f"{responses.shown(url)}: HTTP {response.status_code} {response.reason_phrase}")
            transient |= response.status_code in responses.BUSY
            continue
        mark, time = response.headers.get("ETag"), response.headers.get("Last-Modified")
        found = FileState(size=responses.total(response), time=time, mark=mark, place=url)
        if (found.size, found.time, found.mark) != (None, None, None):
            return found
        faults.append(f"{url}: the server sends neither ETag nor Last-Modified nor length")
    kind = TransientError if transient else BreathlineError
    raise kind(
        "No mirror describes the files of the source.",
        where="; ".join(faults),
        hint="try again later, or add another mirror",
    )
