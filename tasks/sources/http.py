"""Files by HTTP: resumed after an interruption, tried again with patience, from the first mirror that has them."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential, wait_random

from tasks.runtime.errors import BreathlineError, TransientError
from tasks.runtime.stage import console
from tasks.sources import answers
from tasks.sources.answers import FaultError, PassingError
from tasks.sources.partial import Partial

log = logging.getLogger("download")
NOTABLE = 1 << 20  # bytes that count as progress


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long one server is put up with; times in seconds.

    `attempts` is how many in a row may bring nothing notable; between them the wait grows from `first_wait` to
    `longest_wait`. A server that asks for more than `longest_wait_asked` is left.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_wait_asked: float = 300.0
    connect: float = 15.0
    read: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A file that is whole, its size in bytes and its SHA-256."""

    path: Path
    sha256: str
    bytes: int


def fetch(url: str, target: Path, *, sha256: str | None) -> Path:
    """Return `target`, fetched from one URL; see `fetch_first`."""
    return fetch_first([url], target, sha256=sha256).path


def fetch_first(
    urls: Sequence[str],
    target: Path,
    *,
    sha256: str | None = None,
    check: Callable[[Path], object] = lambda _: None,
    patience: Patience = Patience(),
) -> Fetched:
    """Return a file, from the first of its mirrors that gives it whole.

    What an interrupted call left is gone on with, where the server still has the same version. A `target` that is
    there is whole and is not fetched again, unless its SHA-256 is wrong.

    Args:
        urls: Of the same file, in order of preference.
        target: Where it is wanted; what is not whole yet lies beside it.
        sha256: What its SHA-256 must be, where that is known.
        check: Raises BreathlineError on a file that cannot be the right one, such as a page about maintenance.
        patience: With each mirror.

    Raises:
        TransientError: No mirror gives it, and at least one may do later.
        BreathlineError: No mirror gives it, and what each said; or there is no room.
    """
    wanted = sha256.lower() if sha256 else None
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        with target.open("rb") as file:
            seen = hashlib.file_digest(file, "sha256").hexdigest()
        if wanted in (None, seen):
            return Fetched(path=target, sha256=seen, bytes=target.stat().st_size)
        target.unlink()
    faults, passing = [], False
    for url in urls:
        try:
            part = _fetch_from(url, target, patience)
            _judge(part, wanted, check)
            part.finish(target)
        except (FaultError, httpx.HTTPError, httpx.InvalidURL) as error:
            faults.append(f"{url}: {error or type(error).__name__}")
            passing |= isinstance(error, (PassingError, httpx.TransportError))
            log.warning(f"no {target.name} from {faults[-1]}")
        except OSError as error:
            raise BreathlineError(
                f"{target.name} cannot be written: {error.strerror or error}.",
                where=target.parent,
                hint="make room; what has come is kept",
            ) from error
        else:
            log.info(f"{target.name}: {part.size:,} bytes from {url}")
            return Fetched(path=target, sha256=part.sha256, bytes=part.size)
    kind = TransientError if passing else BreathlineError
    raise kind(
        f"{target.name} could not be fetched.",
        where="; ".join(faults),
        hint="try again later (what has come is kept), name another mirror, or fetch it by hand",
    )


def _judge(part: Partial, wanted: str | None, check: Callable[[Path], object]) -> None:
    """Drop a file that came whole but is not the right one."""
    try:
        if wanted not in (None, part.sha256):
            raise FaultError(f"the file has the SHA-256 {part.sha256}, not {wanted}")
        check(part.path)
    except (FaultError, BreathlineError) as error:
        part.drop()
        raise FaultError(error.what if isinstance(error, BreathlineError) else str(error)) from error


def _fetch_from(url: str, target: Path, patience: Patience) -> Partial:
    """Return the whole file from one mirror."""
    part = Partial(target, url)
    timeout = httpx.Timeout(patience.read, connect=patience.connect)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        httpx.Client(timeout=timeout, follow_redirects=True) as client,
        Progress(*columns, TimeRemainingColumn(), console=console) as progress,
    ):
        bar = progress.add_task(target.name, total=None)
        retrying = Retrying(
            retry=retry_if_exception_type((PassingError, httpx.TransportError)),
            stop=_Fruitless(part, patience.attempts),
            wait=_wait(patience),
            before_sleep=_tell,
            reraise=True,
        )
        retrying(
            _attempt, client, url, part, patience, lambda: progress.update(bar, completed=part.size, total=part.total)
        )
    return part


def _attempt(client: httpx.Client, url: str, part: Partial, patience: Patience, show: Callable[[], None]) -> None:
    """Fetch what is missing of a file, or all of it, with one request."""
    headers = {"Accept-Encoding": "identity"}
    if part.size and part.validator:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.validator}
    with client.stream("GET", url, headers=headers) as response:
        code, validator, total = response.status_code, answers.validator(response), answers.total(response)
        if code in answers.BUSY:
            raise answers.busy(response, patience.longest_wait_asked)
        # Some servers ignore If-Range; some of them do not even tell the version.
        same = validator in (None, part.validator) and part.total in (None, total)
        if code == 416 and same and total == part.size:
            return  # all had come, and was not judged yet
        if code == 206 and same and answers.start(response) == part.size:
            part.total = total
        elif code in (206, 416):
            part.drop()
            raise PassingError(f"the file changed meanwhile, or its range is wrong (HTTP {code}): it is started anew")
        elif code == 200:
            answers.check_countable(response, total)
            part.begin(total, validator)
        else:
            raise FaultError(f"HTTP {code} {response.reason_phrase}")
        _check_room(part)
        for _ in part.extend(response.iter_raw()):
            show()
    if part.total is not None and part.size != part.total:
        size, total = part.size, part.total
        part.drop()
        raise PassingError(f"{size} bytes came, {total} were announced")


def _check_room(part: Partial) -> None:
    """Refuse a file for which the disk has no room, before it is full."""
    free, missing = shutil.disk_usage(part.path.parent).free, (part.total or 0) - part.size
    if missing > free:
        raise BreathlineError(
            f"{missing:,} bytes are still to come, and {free:,} are free.", where=part.path.parent, hint="make room"
        )


class _Fruitless:
    """Says when it is enough: after so many attempts in a row that brought nothing notable."""

    def __init__(self, part: Partial, attempts: int) -> None:
        self._part, self._attempts = part, attempts
        self._most, self._fruitless = part.size, 0

    def __call__(self, state: RetryCallState) -> bool:
        if self._part.size >= self._most + NOTABLE:
            self._most, self._fruitless = self._part.size, 0
        self._fruitless += 1
        return self._fruitless >= self._attempts


def _wait(patience: Patience) -> Callable[[RetryCallState], float]:
    """Return how long to wait: as long as the server asks, or else ever longer."""
    growing = wait_exponential(multiplier=patience.first_wait, max=patience.longest_wait) + wait_random(
        0, patience.first_wait
    )

    def wait(state: RetryCallState) -> float:
        asked = getattr(state.outcome and state.outcome.exception(), "wait", None)
        return growing(state) if asked is None else float(asked)

    return wait


def _tell(state: RetryCallState) -> None:
    """Say why the next attempt is made, and when."""
    error = state.outcome and state.outcome.exception()
    pause = state.next_action.sleep if state.next_action else 0.0
    log.warning(f"{error or type(error).__name__}: again in {pause:.1f} s")
