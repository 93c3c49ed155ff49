"""Least time from wav to a feature cache in two processes, as DVC starts stages: on all cores, and nothing is checked.

    python -m benchmarks.baselines.least waveforms FOLDER OUT
    python -m benchmarks.baselines.least features FOLDER OUT

The first process decodes, hashes and resamples the recordings, and writes their samples as they are. The second one
reads them back, and writes the features of all cycles. Beyond `benchmarks.baselines.bound` this is what no such
pair of stages can do without: a second start, the SHA-256 of each file, mel energies, logarithms, rounding to float16,
and files. No quality is measured, no cycle hashed, and neither Parquet nor statistics are written.
"""

import hashlib
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from models.frontends.array_front_end import ArrayFrontEnd
from models.frontends.registry import create_array
from tasks.audio.resampling import resample
from tasks.features.arrays import round_to_half
from tasks.runtime import allocator
from tasks.runtime.hardware import usable_cores

RATE, SECONDS = 16_000, 8.0


def write_waveform(out: Path, wav: Path) -> None:
    """Write the samples of a recording at `RATE`, and its hash."""
    data = wav.read_bytes()
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    resample(samples[:, 0], rate, RATE).tofile(out / f"{wav.stem}.f32")
    (out / f"{wav.stem}.sha256").write_text(hashlib.sha256(data).hexdigest(), encoding="utf-8")


def write_features(out: Path, front_end: ArrayFrontEnd, wav: Path) -> None:
    """Write the features of all cycles of a recording."""
    waveform = np.fromfile(out / f"{wav.stem}.f32", np.float32)
    lines = wav.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    found = np.empty((len(lines), front_end.frames, front_end.mels), np.float16)
    for line, row in zip(lines, found, strict=True):
        start, end = (int(float(value) * RATE) for value in line.split()[:2])
        round_to_half(front_end(front_end.clip(waveform[start:end])), row)
    found.tofile(out / f"{wav.stem}.f16")


def main(part: str, folder: str, out: str) -> None:
    """Run one of the two processes."""
    allocator.keep_freed_memory()
    Path(out).mkdir(exist_ok=True)
    work = partial(write_waveform, Path(out))
    if part == "features":
        work = partial(write_features, Path(out), create_array("ast", duration_s=SECONDS))
    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(work, sorted(Path(folder).glob("*.wav"))))


if __name__ == "__main__":
    main(*sys.argv[1:])
