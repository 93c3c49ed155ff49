"""Resumable download of many files from one server, several at a time."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tasks.runtime.disk_errors import disk_errors, require_space
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console
from tasks.runtime.words import counted
from tasks.sources import limits, proxies, responses
from tasks.sources.http import check_content, unfetched
from tasks.sources.limits import DownloadLimits
from tasks.sources.partial import Partial
from tasks.sources.responses import MirrorError
from tasks.sources.retries import RetryPolicy
from tasks.sources.transfer import Transfer, new_client

AT_ONCE = 8

log = logging.getLogger("download")


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """File on a server.

    Attributes:
        name: Name for messages.
        url: URL of the file.
        target: Path of the fetched file; an incomplete download is kept beside it.
        size: Size in bytes.
        check: Function that raises BreathlineError for other content.
    """

    name: str
    url: str
    target: Path
    size: int
    check: Callable[[Path], object]


def fetch_all(
    files: Sequence[RemoteFile],
    *,
    hint: str,
    headers: Mapping[str, str] | None = None,
    policy: RetryPolicy | None = None,
    limit: DownloadLimits | None = None,
) -> None:
    """Fetch the files that are missing; a target of the right size is complete. Equal targets are fetched once.

    Args:
        files: Files of one server.
        hint: Next step if a file cannot be fetched.
        headers: Headers of each request, such as a token, which no other server gets after a redirect.
        policy: Retry policy of each file; None for the usual one.
        limit: Limits of size and time of all files together; None for those of the environment.

    Raises:
        TransientError: The server does not send a file, and may do so later.
        BreathlineError: The server does not send a file, or the files exceed a limit.
        DiskError: The disk refuses a file, or has too little space for all.
    """
    policy, limit = policy or RetryPolicy(), limit or limits.from_environment()
    missing = {file.target: file for file in files if not _is_complete(file)}
    total = sum(file.size for file in missing.values())
    if total > limit.bytes:
        raise BreathlineError(
            f"{counted(len(missing), 'file')} of {total:,} bytes exceed the limit of {limit.bytes:,}.",
            where=limits.GIGABYTES,
            hint=f"raise {limits.GIGABYTES} if this is right",
        )
    for folder in {target.parent for target in missing}:
        folder.mkdir(parents=True, exist_ok=True)
        require_space(folder, total)
    if missing:
        proxies.check()
        asyncio.run(_fetch_all(list(missing.values()), hint, headers or {}, policy, limit))


def _is_complete(file: RemoteFile) -> bool:
    return file.target.is_file() and file.target.stat().st_size == file.size


async def _fetch_all(
    files: Sequence[RemoteFile], hint: str, headers: Mapping[str, str], policy: RetryPolicy, limit: DownloadLimits
) -> None:
    """Fetch files with one client and one progress bar."""
    total, free = sum(file.size for file in files), asyncio.Semaphore(AT_ONCE)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    parts: dict[Path, Partial] = {}

    async def fetch(file: RemoteFile, client: httpx.AsyncClient) -> None:
        async with free:
            part = parts[file.target] = Partial(file.target, file.url)
            transfer = Transfer(
                url=file.url, part=part, policy=policy, limit=limit, headers=headers, show=show, size=file.size
            )
            with disk_errors(file.target):
                try:
                    await transfer.fetch(client)
                    check_content(part, None, file.check)
                    part.finish(file.target)
                except (MirrorError, httpx.HTTPError, httpx.InvalidURL) as error:
                    fault = responses.described(file.url, error)
                    raise unfetched(file.name, fault, hint, passing=responses.may_pass(error)) from error

    with Progress(*columns, console=console(), disable=not console().is_terminal) as progress:
        bar = progress.add_task(counted(len(files), "file"), total=total)

        def show() -> None:
            progress.update(bar, completed=sum(part.size for part in parts.values()))

        try:
            async with (
                asyncio.timeout(limit.seconds),
                new_client(files[0].url, policy) as client,
                asyncio.TaskGroup() as group,
            ):
                for file in files:
                    group.create_task(fetch(file, client))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        except TimeoutError as error:
            came = sum(part.size for part in parts.values())
            raise BreathlineError(
                f"{came:,} of {total:,} bytes came within the limit of {limit.seconds / 3600:.3g} h.",
                where=responses.shown(files[0].url),
                hint=f"run again to resume, or raise {limits.HOURS}",
            ) from error
