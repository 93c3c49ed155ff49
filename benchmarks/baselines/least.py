"""Least time from wav to a feature cache in two processes, as DVC starts stages: on all cores, and nothing is checked.

    python -m benchmarks.baselines.least waveforms FOLDER OUT FRONT_END SECONDS
    python -m benchmarks.baselines.least features FOLDER OUT FRONT_END SECONDS

The first process decodes, hashes and resamples the recordings, and writes their samples as they are. The second one
reads them back, and writes the features of all cycles, of clips of SECONDS. Beyond `benchmarks.baselines.bound` this is
what no such pair of stages can do without: a second start, the SHA-256 of each file, mel energies, logarithms, rounding
to float16, and files. No quality is measured, no cycle hashed, and neither Parquet nor statistics are written.
"""

import argparse
import hashlib
import io
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


def write_waveform(front_end: ArrayFrontEnd, out: Path, wav: Path) -> None:
    """Write the samples of a recording at the front end's rate, and the hash of its file."""
    data = wav.read_bytes()
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    resample(samples[:, 0], rate, front_end.sample_rate).tofile(out / f"{wav.stem}.f32")
    (out / f"{wav.stem}.sha256").write_text(hashlib.sha256(data).hexdigest(), encoding="utf-8")


def write_features(front_end: ArrayFrontEnd, out: Path, wav: Path) -> None:
    """Write the features of all cycles of a recording."""
    waveform = np.fromfile(out / f"{wav.stem}.f32", np.float32)
    lines = wav.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    found = np.empty((len(lines), front_end.frames, front_end.mels), np.float16)
    for line, row in zip(lines, found, strict=True):
        start, end = (int(float(value) * front_end.sample_rate) for value in line.split()[:2])
        round_to_half(front_end(front_end.clip(waveform[start:end])), row)
    found.tofile(out / f"{wav.stem}.f16")


PARTS = {"waveforms": write_waveform, "features": write_features}


def main() -> None:
    """Run one of the two processes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.baselines.least")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("folder", type=Path, help="recordings and annotations in the format of ICBHI 2017")
    parser.add_argument("out", type=Path)
    parser.add_argument("front_end")
    parser.add_argument("seconds", type=float, help="length of the clips")
    options = parser.parse_args()
    allocator.keep_freed_memory()
    options.out.mkdir(exist_ok=True)
    front_end = create_array(options.front_end, duration_s=options.seconds)
    work = partial(PARTS[options.part], front_end, options.out)
    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(work, sorted(options.folder.glob("*.wav"))))


if __name__ == "__main__":
    main()
