"""How far a training is, read off the lines that it logs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

EPOCH = re.compile(r"epoch (?P<done>\d+)/(?P<all>\d+)\s+(?P<figures>.*)")
PAUSE_S = 2.0  # between two reports, for the epochs of a small corpus take a fraction of a second


class Progress:
    """Turns the log lines of a training into how far it is; stages that log no epochs report nothing.

    Args:
        report: Takes percent (0 to 100) and the last epoch in words.
    """

    def __init__(self, report: Callable[[float, str], None]) -> None:
        self._report = report
        self._told = float("-inf")
        self._latest: tuple[int, int, str] | None = None

    def feed(self, line: str) -> None:
        """Report the epoch that a line tells of: at once if it is the last one, else not too often."""
        found = EPOCH.search(line)
        if not found:
            return
        done, epochs = int(found["done"]), int(found["all"])
        self._latest = done, epochs, " ".join(found["figures"].split())
        if done == epochs or time.monotonic() - self._told >= PAUSE_S:
            self._told = time.monotonic()
            self._report(100 * done / epochs, _words(*self._latest))

    def end(self) -> None:
        """Report that the training has ended well, be it before the last epoch, for want of improvement."""
        if self._latest and self._latest[0] < self._latest[1]:
            self._report(100.0, f"stopped early: {_words(*self._latest)}")


def _words(done: int, epochs: int, figures: str) -> str:
    return f"epoch {done} of {epochs}: {figures}"
