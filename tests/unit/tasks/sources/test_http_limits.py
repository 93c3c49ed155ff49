"""Limits of a download: time, size, speed, a killed process, and the disk."""

import signal
import subprocess
import sys
import time

import pytest

from tasks.runtime.errors import BreathlineError
from tasks.sources import limits
from tasks.sources.limits import DownloadLimits
from tests.unit.tasks.sources import server as behave
from tests.unit.tasks.sources.fetching import CONTENT, fetched, refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "limit", "what"),
    [
        (behave.sends_headers_slowly, DownloadLimits(seconds=4), "0 bytes came within the limit of 0.00111 h"),
        (behave.sends_slowly, DownloadLimits(seconds=4), "of 1,000,000,000 bytes came within the limit of"),
        (behave.sends_slowly, DownloadLimits(window=0.2), "fewer than 65,536 bytes came in 0 s"),
        (
            behave.sends_slowly,
            DownloadLimits(bytes=10**6),
            "has 1,000,000,000 bytes, and the limit is 1,000,000",
        ),
        (behave.never_ends, DownloadLimits(bytes=10**6), "more than 1,000,000 bytes came, and the limit is"),
    ],
    ids=["slow headers", "slow body", "slower than the limit", "too large", "no end"],
)
def test_each_download_has_limits_of_time_speed_and_size(tmp_path, server, behaviour, limit, what):
    server.script["f"] = [behaviour] * 9
    said = refused(server, tmp_path / "f", limit=limit)
    assert what in said
    if "within" in what:
        assert "fetch again to resume, or raise BREATHLINE_DOWNLOAD_HOURS" in said
        assert len(server.asked) == 1
    if "limit is" in what:
        assert "raise BREATHLINE_DOWNLOAD_GB" in said
        assert not list(tmp_path.glob("*.part")), "a file beyond the limit is not kept"


def test_the_limits_are_set_in_the_environment():
    environment = {"BREATHLINE_DOWNLOAD_GB": "0.5", "BREATHLINE_DOWNLOAD_HOURS": "2"}
    found = limits.from_environment(environment)
    assert (found.bytes, found.seconds) == (500_000_000, 7200)
    assert limits.from_environment({"BREATHLINE_DOWNLOAD_GB": ""}) == DownloadLimits()
    for text in ("much", "-1", "0", "nan", "inf"):
        with pytest.raises(BreathlineError, match="BREATHLINE_DOWNLOAD_GB holds no positive number"):
            limits.from_environment({"BREATHLINE_DOWNLOAD_GB": text})


FETCH = """\
import resource, sys
from pathlib import Path
from tasks.sources.http import fetch_first
if sys.argv[2:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
fetch_first([sys.argv[1]], Path("f"))
"""


@pytest.mark.slow
def test_the_download_of_a_killed_process_is_resumed(tmp_path, server):
    server.script["f"] = [behave.stalls(100_000, seconds=60)]
    process = subprocess.Popen([sys.executable, "-c", FETCH, server.url("f")], cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not any(part.stat().st_size > 50_000 for part in tmp_path.glob("*.part")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "f").exists()
    (part,) = tmp_path.glob("*.part")
    came = part.stat().st_size
    assert 50_000 < came < len(CONTENT)

    assert fetched(server, tmp_path / "f").read_bytes() == CONTENT
    assert server.asked[-1] == ("f", f"bytes={came}-")


def test_a_full_disk_is_named_and_the_download_is_resumed(tmp_path, server):
    command = [sys.executable, "-c", FETCH, server.url("f"), "100000"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DiskError: A file would exceed the largest size" in done.stderr
    assert "where: f (the limit of this process is 100.0 kB)" in done.stderr
    assert not (tmp_path / "f").exists()
    assert fetched(server, tmp_path / "f").read_bytes() == CONTENT
    assert server.asked[-1][1] == "bytes=100000-"


def test_missing_space_is_reported_before_the_download(tmp_path, server, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    shown = refused(server, tmp_path / "f")
    assert f"The disk is full.\n  where: {tmp_path}" in shown
    assert "make room for 300.0 kB" in shown
