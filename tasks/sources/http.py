"""Retry policy and resumable HTTP download from mirrors."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential, wait_random

from tasks.runtime.disk_errors import disk_errors, require_space
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.runtime.stage import console
from tasks.sources import responses
from tasks.sources.partial import Partial
from tasks.sources.responses import MirrorError, TransientMirrorError

log = logging.getLogger("download")
PROGRESS = 1 << 20  # bytes that count as progress


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Retry policy of one mirror; times in seconds.

    Attributes:
        attempts: Maximum number of attempts in a row without progress.
        first_wait: Pause after the first attempt.
        longest_wait: Maximum of the growing pause.
        longest_wait_asked: Maximum pause that a server may ask for.
        connect: Timeout of a connection.
        read: Timeout of a read.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_wait_asked: float = 300.0
    connect: float = 15.0
    read: float = 60.0


def fetch_first(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    check: Callable[[Path], object] = lambda _: None,
    policy: RetryPolicy = RetryPolicy(),
) -> Path:
    """Return `target`, fetched from the first of its mirrors that sends it completely.

    An interrupted download is resumed if the server still has the same version. An existing `target` is complete. It
    is fetched again only if its SHA-256 is wrong.

    Args:
        urls: URLs of the same file, in order of preference.
        target: Path of the file; an incomplete download is kept beside it.
        sha256: Expected SHA-256, if it is known.
        check: Function that raises BreathlineError for a wrong file, such as a page about maintenance.
        policy: Retry policy of each mirror.

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
        if wanted in (None, seen):
            return target
        target.unlink()
    faults, passing = [], False
    for url in urls:
        with disk_errors(target):
            try:
                part = _fetch_from(url, target, policy)
                _check(part, wanted, check)
                part.finish(target)
            except (MirrorError, httpx.HTTPError, httpx.InvalidURL) as error:
                faults.append(f"{url}: {error or type(error).__name__}")
                passing |= isinstance(error, (TransientMirrorError, httpx.TransportError))
                log.warning(f"no {target.name} from {faults[-1]}")
            else:
                log.info(f"{target.name}: {part.size:,} bytes from {url}")
                return target
    kind = TransientError if passing else BreathlineError
    raise kind(
        f"{target.name} could not be fetched.",
        where="; ".join(faults),
        hint="try again later (the part that was fetched is kept), name another mirror, or fetch it by hand",
    )


def _check(part: Partial, wanted: str | None, check: Callable[[Path], object]) -> None:
    """Delete a complete file that is not the right one."""
    try:
        if wanted not in (None, part.sha256):
            raise MirrorError(f"the file has the SHA-256 {part.sha256}, not {wanted}")
        check(part.path)
    except (MirrorError, BreathlineError) as error:
        part.drop()
        raise MirrorError(error.what if isinstance(error, BreathlineError) else str(error)) from error


def _fetch_from(url: str, target: Path, policy: RetryPolicy) -> Partial:
    """Fetch a file completely from one mirror."""
    part = Partial(target, url)
    timeout = httpx.Timeout(policy.read, connect=policy.connect)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        httpx.Client(timeout=timeout, follow_redirects=True) as client,
        Progress(*columns, TimeRemainingColumn(), console=console) as progress,
    ):
        bar = progress.add_task(target.name, total=None)
        retrying = Retrying(
            retry=retry_if_exception_type((TransientMirrorError, httpx.TransportError)),
            stop=_StopWithoutProgress(part, policy.attempts),
            wait=_wait(policy),
            before_sleep=_log_retry,
            reraise=True,
        )
        retrying(
            _attempt, client, url, part, policy, lambda: progress.update(bar, completed=part.size, total=part.total)
        )
    return part


def _attempt(client: httpx.Client, url: str, part: Partial, policy: RetryPolicy, show: Callable[[], None]) -> None:
    """Fetch the missing part of a file with one request."""
    headers = {"Accept-Encoding": "identity"}
    if part.size and part.validator:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.validator}
    with client.stream("GET", url, headers=headers) as response:
        code, validator, total = response.status_code, responses.validator(response), responses.total(response)
        if code in responses.BUSY:
            raise responses.busy(response, policy.longest_wait_asked)
        # Some servers ignore If-Range, and some of them do not send the version.
        same = validator in (None, part.validator) and part.total in (None, total)
        if code == 416 and same and total == part.size:
            return  # complete, but not checked yet
        if code == 206 and same and responses.start(response) == part.size:
            part.total = total
        elif code in (206, 416):
            part.drop()
            raise TransientMirrorError(f"the file changed, or its range is wrong (HTTP {code}): starting again")
        elif code == 200:
            responses.check_countable(response, total)
            part.begin(total, validator)
        else:
            raise MirrorError(f"HTTP {code} {response.reason_phrase}")
        _check_room(part)
        for _ in part.extend(response.iter_raw()):
            show()
    if part.total is not None and part.size != part.total:
        size, total = part.size, part.total
        part.drop()
        raise TransientMirrorError(f"{size} of {total} bytes arrived")


def _check_room(part: Partial) -> None:
    """Refuse a file that is larger than the free space of the disk."""
    require_space(part.path.parent, (part.total or 0) - part.size)


class _StopWithoutProgress:
    """Stop condition: a number of attempts in a row without progress."""

    def __init__(self, part: Partial, attempts: int) -> None:
        self._part, self._attempts = part, attempts
        self._most, self._without_progress = part.size, 0

    def __call__(self, state: RetryCallState) -> bool:
        if self._part.size >= self._most + PROGRESS:
            self._most, self._without_progress = self._part.size, 0
        self._without_progress += 1
        return self._without_progress >= self._attempts


def _wait(policy: RetryPolicy) -> Callable[[RetryCallState], float]:
    """Return the pause: the one that the server asks for, or else a growing one."""
    growing = wait_exponential(multiplier=policy.first_wait, max=policy.longest_wait) + wait_random(
        0, policy.first_wait
    )

    def wait(state: RetryCallState) -> float:
        asked = getattr(state.outcome and state.outcome.exception(), "wait", None)
        return growing(state) if asked is None else float(asked)

    return wait


def _log_retry(state: RetryCallState) -> None:
    """Log the reason and the time of the next attempt."""
    error = state.outcome and state.outcome.exception()
    pause = state.next_action.sleep if state.next_action else 0.0
    log.warning(f"{error or type(error).__name__}: again in {pause:.1f} s")
