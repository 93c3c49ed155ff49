"""End of a run whose Prefect server no longer answers."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RUN = """
import signal, time
from flows import termination
termination.REPORT_S = 0.1
with termination.told_at_sigterm():
    termination.limit_report(signal.{name})
    time.sleep(600)
"""


@pytest.mark.parametrize(("name", "status", "line"), [("SIGINT", 130, "Interrupted."), ("SIGTERM", 143, "Terminated.")])
def test_a_server_that_has_gone_does_not_keep_a_run_for_minutes(name, status, line):
    run = [sys.executable, "-c", RUN.format(name=name)]
    ended = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == status
    what = "All stages have ended; the Prefect server did not take the end of the run within 0.1 s.\n"
    assert ended.stderr == f"{line} {what}"
