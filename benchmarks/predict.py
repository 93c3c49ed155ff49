"""Duration and peak memory of `breathline predict` in processes of its own: ``python -m benchmarks.predict MODEL``.

MODEL is the folder of an export or a student. Recordings of noise at 4 kHz are generated: one of 20 s, predicted on two
cores, and long ones, predicted on one core. Each figure is the median of the repeated processes.

    python -m benchmarks.predict data/export/1 --repeats 5 --hours 8
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

import numpy as np
import psutil
import soundfile

RATE = 4000  # Hz
SHORT_S = 20
MINUTE_S = 60


def main() -> None:
    """Predict recordings of several lengths and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--repeats", type=int, default=5, help="processes of the short recording")
    parser.add_argument("--hours", type=float, nargs="*", default=[1, 8], help="lengths of the long recordings")
    given = parser.parse_args()
    cores = psutil.Process().cpu_affinity()
    print("| recording | cores | seconds | × real time | peak MB |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        short = generate(Path(folder) / "short.wav", SHORT_S)
        found = [run(short, given.model, given.engine, cores[:2]) for _ in range(given.repeats)]
        report(f"{SHORT_S} s", 2, SHORT_S, [one[0] for one in found], [one[1] for one in found])
        for hours in given.hours:
            seconds = round(hours * 3600)
            night = generate(Path(folder) / "night.wav", seconds)
            taken, peak = run(night, given.model, given.engine, cores[:1])
            report(f"{hours:g} h", 1, seconds, [taken], [peak])


def generate(path: Path, seconds: int) -> Path:
    """Write a recording of noise that swells like breath, and return its path."""
    random = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        for start in range(0, seconds, MINUTE_S):
            time_s = np.arange(min(MINUTE_S, seconds - start) * RATE) / RATE
            file.write(random.normal(0, 0.05, len(time_s)) * (0.6 + 0.4 * np.sin(2 * np.pi * 0.3 * time_s)))
    return path


def run(recording: Path, model: Path, engine: str, cores: Collection[int]) -> tuple[float, int]:
    """Predict a recording in a process of its own; return its seconds and its peak memory in bytes.

    Exit if the process fails.

    Args:
        recording: Recording.
        model: Folder of the model.
        engine: Engine.
        cores: Cores that the process may use.
    """
    command = [sys.executable, "-c", "from cli.start import main; main(prog_name='breathline')", "predict"]
    command += [str(recording), "--model", str(model), "--engine", engine, "--out", str(recording.with_suffix(".csv"))]
    started = time.perf_counter()
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    process.cpu_affinity(list(cores))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with status {status}")
    kibibyte = 1024 if sys.platform == "linux" else 1
    return time.perf_counter() - started, usage.ru_maxrss * kibibyte


def report(name: str, cores: int, length_s: float, seconds: list[float], peaks: list[int]) -> None:
    """Print a row of the table."""
    median = statistics.median(seconds)
    peak = statistics.median(peaks)
    print(f"| {name} | {cores} | {median:.2f} | {length_s / median:.0f} | {peak / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
