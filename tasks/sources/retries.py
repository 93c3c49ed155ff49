"""Retry policy of downloads: number of attempts, and pauses."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_exponential, wait_random

from tasks.sources import responses
from tasks.sources.partial import Partial

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


def retrying(policy: RetryPolicy, part: Partial) -> AsyncRetrying:
    """Return the retries of one mirror.

    Args:
        policy: Number of attempts, and pauses.
        part: Fetched part, whose growth counts as progress.
    """
    return AsyncRetrying(
        retry=retry_if_exception(responses.may_pass),
        stop=_StopWithoutProgress(part, policy.attempts),
        wait=_wait(policy),
        before_sleep=_log_retry,
        reraise=True,
    )


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
    log.warning(f"{responses.reason(error) if error else 'failed'}: again in {pause:.1f} s")
