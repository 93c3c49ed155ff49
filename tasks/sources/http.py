"""Resumable HTTP download from mirrors."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.runtime.stage import console
from tasks.sources import limits, proxies, responses
from tasks.sources.limits import DownloadLimits
from tasks.sources.partial import Partial
from tasks.sources.responses import MirrorError
from tasks.sources.retries import RetryPolicy
from tasks.sources.transfer import Transfer

log = logging.getLogger("download")
for name in ("httpx", "httpx2"):  # they log addresses with their passwords; the second is that of huggingface_hub
    logging.getLogger(name).setLevel(logging.WARNING)


def fetch_first(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    check: Callable[[Path], object] = lambda _: None,
    policy: RetryPolicy | None = None,
    limit: DownloadLimits | None = None,
    headers: Mapping[str, str] | None = None,
    hint: str = "correct the address, name another mirror, or fetch it by hand",
) -> Path:
    """Return `target`, fetched from the first of its mirrors that sends it completely.

    An interrupted download is resumed if the server still has the same version. An existing `target` is complete. It
    is fetched again only if its SHA-256 is wrong or `check` refuses it.

    Args:
        urls: URLs of the same file, in order of preference.
        target: Path of the file; an incomplete download is kept beside it.
        sha256: Expected SHA-256, if it is known.
        check: Function that raises BreathlineError for a wrong file, such as a page about maintenance.
        policy: Retry policy of each mirror; None for the usual one.
        limit: Limits of each mirror; None for those of the environment.
        headers: Headers of each request, such as a token, which no other server gets after a redirect.
        hint: Next step if no mirror sends the file.

    Raises:
        TransientError: No mirror sends the file, and at least one may do so later.
        BreathlineError: No mirror sends the file.
        DiskError: The disk refuses the file; the part that was fetched is kept.
    """
    wanted = sha256.lower() if sha256 else None
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        with target.open("rb") as file:
            seen = hashlib.file_digest(file, "sha256").hexdigest()
        if wanted in (None, seen) and _is_accepted(target, check):
            return target
        target.unlink()
    proxies.check()
    policy, limit = policy or RetryPolicy(), limit or limits.from_environment()
    faults, passing = [], False
    for url in urls:
        with disk_errors(target):
            try:
                part = _fetch_from(url, target, policy, limit, headers or {})
                check_content(part, wanted, check)
                part.finish(target)
            except (MirrorError, httpx.HTTPError, httpx.InvalidURL) as error:
                faults.append(responses.described(url, error))
                passing |= responses.may_pass(error)
                log.warning(f"no {target.name} from {faults[-1]}")
            else:
                log.info(f"{target.name}: {part.size:,} bytes from {responses.shown(url)}")
                return target
    raise unfetched(target.name, "; ".join(faults), hint, passing=passing)


def unfetched(name: str, where: str, hint: str, *, passing: bool) -> BreathlineError:
    """Return the error of a file that could not be fetched.

    Args:
        name: Name of the file.
        where: Addresses and faults.
        hint: Next step.
        passing: Whether the fault may pass by itself.
    """
    what = f"{name} could not be fetched."
    if passing:
        return TransientError(what, where=where, hint=f"try again later (what was fetched is kept), or {hint}")
    return BreathlineError(what, where=where, hint=hint)


def _is_accepted(target: Path, check: Callable[[Path], object]) -> bool:
    """Tell whether a file of an earlier download passes its check."""
    try:
        check(target)
    except BreathlineError as error:
        log.warning(f"{target.name} is fetched again: {error.what}")
        return False
    return True


def check_content(part: Partial, wanted: str | None, check: Callable[[Path], object]) -> None:
    """Delete a complete file that is not the right one.

    Args:
        part: The fetched file.
        wanted: Expected SHA-256, if it is known.
        check: Function that raises BreathlineError for a wrong file.

    Raises:
        MirrorError: The file is not the right one.
    """
    try:
        if wanted not in (None, part.sha256):
            raise MirrorError(f"the file has the SHA-256 {part.sha256}, not {wanted}")
        check(part.path)
    except (MirrorError, BreathlineError) as error:
        received = part.received
        part.drop()
        what = error.what if isinstance(error, BreathlineError) else f"{error}."
        raise MirrorError(f"{what} Received: {received}") from error


def _fetch_from(
    url: str, target: Path, policy: RetryPolicy, limit: DownloadLimits, headers: Mapping[str, str]
) -> Partial:
    """Fetch a file completely from one mirror, with a progress bar."""
    part = Partial(target, url)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console(), disable=not console().is_terminal) as progress:
        bar = progress.add_task(target.name, total=None)

        def show() -> None:
            progress.update(bar, completed=part.size, total=part.total)

        transfer = Transfer(url=url, part=part, policy=policy, limit=limit, headers=headers, show=show)
        asyncio.run(transfer.run())
    return part
