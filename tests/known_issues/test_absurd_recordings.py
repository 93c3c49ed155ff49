"""Recordings whose header announces too much: minutes and gigabytes were spent before an error."""

import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.audio import limits, reading, resampling
from tasks.runtime.errors import BreathlineError
from tests import sounds

RATE = 44_100
# Reads a recording with 300 MB of memory above that of the imports.
READER = """
import resource, sys
from pathlib import Path
from tasks.audio import reading
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 300_000_000,) * 2)
reading.read(Path(sys.argv[1]))
"""


def sparse(path: Path, size: int, stated: int) -> Path:
    """Write a wav of zeros that takes no space on the disk."""
    header = bytearray(sounds.encoded("WAV", "PCM_16")[:44])
    header[24:32] = struct.pack("<II", RATE, RATE * 2)
    header[40:44] = struct.pack("<I", stated)
    path.write_bytes(header)
    os.truncate(path, size)
    return path


@pytest.mark.parametrize("rate", [1, 999, 384_001, 1_000_003, 2**31 - 1])
def test_an_absurd_rate_is_refused_from_the_header(tmp_path, rate):
    data = bytearray(sounds.encoded("WAV", "PCM_16"))
    data[24:28] = struct.pack("<I", rate)
    path = tmp_path / "recording.wav"
    path.write_bytes(data)
    with pytest.raises(BreathlineError, match=f"has a sample rate of {rate:,} Hz; 1,000 to 384,000 Hz are read"):
        reading.read(path)


@pytest.mark.slow
def test_the_filter_is_small_for_every_rate_that_is_read():
    rate = 383_987  # a prime: no common divisor with the rates of front ends shortens the filter
    assert rate <= limits.MAX_RATE
    filters = resampling.Resampler(rate, 32_000)._period
    assert sum(block.matrix.nbytes for block in filters.blocks) < 100_000_000
    kept = resampling._long_period.cache_info()
    assert (kept.currsize, kept.maxsize) == (1, 1), "filters of further rates take its place"


@pytest.mark.parametrize(
    ("size", "stated", "words"),
    [
        (limits.WHOLE.bytes + 1, 0, "has 2,147,483,649 bytes; up to 2,147,483,648 are read"),
        (1 << 30, (1 << 30) - 44, "lasts 12,174 s by its header; up to 3,600 s are read"),
        (1 << 30, 0xFFFFFFFF, "lasts 12,174 s by its header; up to 3,600 s are read"),
    ],
)
def test_a_large_recording_is_refused_from_the_header(tmp_path, size, stated, words):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with pytest.raises(BreathlineError, match=words):
        reading.read(sparse(tmp_path / "night.wav", size, stated))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the size of a process in /proc")
def test_too_little_memory_names_the_recording(tmp_path):
    size = 200_000_044
    path = sparse(tmp_path / "long.wav", size, size - 44)
    done = subprocess.run([sys.executable, "-c", READER, path], capture_output=True, text=True, check=False)
    assert f"BreathlineError: The recording long.wav needs more memory than there is.\n  where: {path}" in done.stderr
