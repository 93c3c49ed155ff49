"""Progress of a training, parsed from its log lines."""

import re
import time
from collections.abc import Callable

EPOCH = re.compile(r"epoch (?P<done>\d+)/(?P<all>\d+)\s+(?P<figures>.*)")
PAUSE_S = 2.0  # between two reports: an epoch of a small corpus takes a fraction of a second


class Progress:
    """Progress of a stage, reported in percent (0 to 100) and words; a stage that logs no epochs has none."""

    def __init__(self, report: Callable[[float, str], None]) -> None:
        self._report = report
        self._reported = float("-inf")
        self._latest: tuple[int, int, str] | None = None

    def feed(self, line: str) -> None:
        """Report the epoch of a log line: the last epoch at once, others at most every `PAUSE_S` seconds."""
        found = EPOCH.search(line)
        if not found:
            return
        done, epochs = int(found["done"]), int(found["all"])
        self._latest = done, epochs, " ".join(found["figures"].split())
        if done == epochs or time.monotonic() - self._reported >= PAUSE_S:
            self._reported = time.monotonic()
            self._report(100 * done / epochs, _words(*self._latest))

    def end(self) -> None:
        """Report the end of a training that stopped early."""
        if self._latest and self._latest[0] < self._latest[1]:
            self._report(100.0, f"stopped early: {_words(*self._latest)}")


def _words(done: int, epochs: int, figures: str) -> str:
    return f"epoch {done} of {epochs}: {figures}"
