"""End of a run by Ctrl-C or SIGTERM: one line and the status of a shell, also if the Prefect server has gone."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LINES = {signal.SIGINT: "Interrupted.", signal.SIGTERM: "Terminated."}
REPORT_S = 10.0  # time that the report of a run's end to the Prefect server may take, in seconds


@contextmanager
def told_at_sigterm() -> Iterator[None]:
    """Print a line when SIGTERM ends this process, after a flow in the block has ended its stages.

    Prefect passes the signal on to this handler when its run has ended.
    """

    def end(number: int, _: FrameType | None) -> None:
        sys.stderr.write(f"{LINES[signal.Signals(number)]}\n")
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def limit_report(number: signal.Signals) -> None:
    """End this process in some seconds, unless it ends before.

    Prefect reports the end of a run to its server, and tries for minutes to reach a server that has gone.

    Args:
        number: Signal that ended the run.
    """
    timer = threading.Timer(REPORT_S, _give_up, [number])
    timer.daemon = True
    timer.start()


def _give_up(number: signal.Signals) -> None:
    what = f"the Prefect server did not take the end of the run within {REPORT_S:g} s."
    sys.stderr.write(f"{LINES[number]} All stages have ended; {what}\n")
    os._exit(128 + number)
