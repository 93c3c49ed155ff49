"""Limits of one download: size, time and speed; and of a request for facts about files."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tasks.runtime.errors import BreathlineError

ANSWER_S = 60.0  # longest time of a request for facts about files, such as headers, a list or a commit, in seconds
GIGABYTES, HOURS = "BREATHLINE_DOWNLOAD_GB", "BREATHLINE_DOWNLOAD_HOURS"


@dataclass(frozen=True, kw_only=True)
class DownloadLimits:
    """Limits of one file from one mirror.

    Attributes:
        bytes: Largest size of the file. Archives of recordings have some 2 GB, published weights 1.3 GB at most.
        seconds: Longest time, with all attempts and pauses.
        window: Time in which a server must send at least `slowest` bytes, in seconds.
        slowest: Smallest number of bytes in a window; less counts as a connection that stands still.
    """

    bytes: int = 16 * 10**9
    seconds: float = 6 * 3600
    window: float = 60.0
    slowest: int = 64 << 10


def from_environment(environment: Mapping[str, str] = os.environ) -> DownloadLimits:
    """Return the limits, with those that the user has set in the environment.

    Raises:
        BreathlineError: A variable holds no positive number.
    """
    usual = DownloadLimits()
    return DownloadLimits(
        bytes=round(_number(environment, GIGABYTES, usual.bytes / 10**9) * 10**9),
        seconds=_number(environment, HOURS, usual.seconds / 3600) * 3600,
    )


def _number(environment: Mapping[str, str], name: str, usual: float) -> float:
    text = environment.get(name, "").strip()
    try:
        number = float(text or usual)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise BreathlineError(
            f"{name} holds no positive number: {text!r}.",
            where=name,
            hint=f"set a number, such as {usual:g}, or unset it",
        )
    return number


class Pace:
    """Measurement of the speed of one response.

    Args:
        limits: Window and smallest number of bytes in it.
        size: Size at the start, in bytes.
    """

    def __init__(self, limits: DownloadLimits, size: int) -> None:
        self._limits, self._size, self._since = limits, size, time.monotonic()

    def is_slow(self, size: int) -> bool:
        """Tell whether a window has ended in which too little came.

        Args:
            size: Size at present, in bytes.
        """
        now = time.monotonic()
        if now - self._since < self._limits.window:
            return False
        came, self._size, self._since = size - self._size, size, now
        return came < self._limits.slowest
