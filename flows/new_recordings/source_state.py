"""What a source of recordings holds, told without fetching it, and how that differs from the last time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tasks.corpora.icbhi import layout, official_site
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.runtime.files import sha256, write_json
from tasks.sources import answers
from tasks.sources.settings import DownloadSettings

SEEN = Path(".breathline/source.json")
TIMEOUT_S = 30.0
NO_HEAD = (405, 501)  # servers that answer GET alone


@dataclass(frozen=True, kw_only=True)
class File:
    """What is known of one file of a source.

    Attributes:
        size: In bytes, where it is known.
        time: When it was changed: nanoseconds of the file system, or what the server says (``Last-Modified``).
        mark: What tells its content: a SHA-256, or the server's ETag; None where the server gives none.
        place: The URL; None for a file of this machine.
    """

    size: int | None
    time: int | str | None
    mark: str | None
    place: str | None = None


Files = Mapping[str, File]


def look(root: Path, settings: DownloadSettings, before: Files) -> dict[str, File]:
    """Return what a source holds now, by name.

    Args:
        root: The project, to which the settings' paths are relative.
        settings: Which source.
        before: What it held last: a local file whose size and time are the same is not read again.

    Raises:
        TransientError: No mirror answers, and at least one may do later.
        BreathlineError: The source is not there, or it is generated, so that nothing can be new.
    """
    if settings.source == "icbhi":
        return dict(_remote(settings, before))
    if settings.path is None:
        hint = "watch a folder, an archive or the official site: `download.source` in params.yaml"
        raise BreathlineError("The demo corpus is generated: there is nothing to watch.", hint=hint)
    path = root / settings.path
    if not path.exists():
        raise BreathlineError("The source is not there.", where=path, hint="correct download.path in params.yaml")
    found = {"": path} if path.is_file() else {one.relative_to(path).as_posix(): one for one in path.rglob("*")}
    # Metadata files may lie beside the source or in a folder of their own.
    for folder in filter(None, [path.resolve().parent, settings.metadata and root / settings.metadata]):
        found |= {str(one): one for one in folder.iterdir() if layout.official_name(one.name)}
    return {name: _local(one, before.get(name)) for name, one in sorted(found.items()) if one.is_file()}


def changes(before: Files, now: Files) -> list[str]:
    """Return what is new, gone or changed, in words; a file that was only touched or copied again is none of these."""
    told = [f"new: {name or 'the archive'}" for name in now if name not in before]
    told += [f"gone: {name or 'the archive'}" for name in before if name not in now]
    told += [f"changed: {name or 'the archive'}" for name in now if name in before and _differ(before[name], now[name])]
    return sorted(told)


def quiet_s(now: Files, moment: float) -> float:
    """Return for how many seconds nothing was written to a source of this machine; infinity for a mirror's files."""
    times = [moment - file.time / 1e9 for file in now.values() if isinstance(file.time, int)]
    return min(times, default=math.inf)


def read(root: Path, settings: DownloadSettings) -> dict[str, File]:
    """Return what a source held when it was last taken up; nothing where that was another source, or never."""
    try:
        kept = json.loads((root / SEEN).read_text(encoding="utf-8"))
        if kept["source"] != _identity(settings):
            return {}
        return {name: File(**file) for name, file in kept["files"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise BreathlineError(
            f"What was seen last cannot be read: {error}", where=root / SEEN, hint="remove the file: all counts as new"
        ) from error


def remember(root: Path, settings: DownloadSettings, now: Files) -> None:
    """Keep what a source holds, so that the next look tells what is new since."""
    files = {name: asdict(file) for name, file in now.items()}
    write_json(root / SEEN, {"source": _identity(settings), "files": files})


def _identity(settings: DownloadSettings) -> dict[str, Any]:
    """Return what makes a source another one; the order of mirrors does not."""
    return {"source": settings.source, "path": settings.path and str(settings.path)}


def _local(path: Path, before: File | None) -> File:
    found = path.stat()
    if before is not None and (before.size, before.time) == (found.st_size, found.st_mtime_ns):
        return before
    return File(size=found.st_size, time=found.st_mtime_ns, mark=sha256(path))


def _differ(before: File, now: File) -> bool:
    if before.place != now.place:  # marks of two mirrors say nothing of each other
        return None not in (before.size, now.size) and before.size != now.size
    if before.mark or now.mark:
        return before.mark != now.mark
    return (before.time, before.size) != (now.time, now.size)


def _remote(settings: DownloadSettings, before: Files) -> Iterator[tuple[str, File]]:
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=True) as client:
        for name in (*official_site.METADATA, official_site.ARCHIVE):
            urls = [f"{mirror.rstrip('/')}/{quote(name)}" for mirror in settings.mirrors]
            # The mirror of the last time first: only its own marks can be compared.
            last = before[name].place if name in before else None
            yield name, _first(client, sorted(urls, key=lambda url: url != last))


def _first(client: httpx.Client, urls: Iterable[str]) -> File:
    faults, passing = [], False
    for url in urls:
        try:
            response = client.head(url, headers={"Accept-Encoding": "identity"})
            if response.status_code in NO_HEAD:
                with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
                    pass  # the headers have come, and nothing else is read
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            faults.append(f"{url}: {error or type(error).__name__}")
            passing |= isinstance(error, httpx.TransportError)
            continue
        if response.status_code != httpx.codes.OK:
            faults.append(f"{url}: HTTP {response.status_code} {response.reason_phrase}")
            passing |= response.status_code in answers.BUSY
            continue
        mark, time = response.headers.get("ETag"), response.headers.get("Last-Modified")
        found = File(size=answers.total(response), time=time, mark=mark, place=url)
        if (found.size, found.time, found.mark) != (None, None, None):
            return found
        faults.append(f"{url}: the server tells neither ETag nor Last-Modified nor length")
    kind = TransientError if passing else BreathlineError
    raise kind(
        "The source does not say what it has.", where="; ".join(faults), hint="try later, or name another mirror"
    )
