"""Stages from wav to features against the published loader: ``python -m benchmarks.fbank CORPUS [FRONT_END]``.

Run it at the root of a project with the recordings of CORPUS in ``data/raw``; the outs of both stages are written. Each
run is a process of its own, from the start of Python to its end. Outs are removed before each run, as by DVC. Loader,
bounds and stages alternate, so that other load on the machine affects all of them. With such a load, CPU seconds tell
more than seconds.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tasks.artifacts import CorpusFolders
from tasks.runtime import params
from tasks.runtime.hardware import cpu_name, usable_cores

LOADER, LEAST = "published loader", ("least: wav to waveforms", "least: waveforms to features")
LEAST_OUT = Path("data/least")
Run = tuple[float, float, float]  # seconds, CPU seconds, peak memory in MB


def measure(*arguments: str) -> Run:
    """Run a module of Python as a process; return its seconds, CPU seconds and peak memory. Exit if it fails."""
    begun = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - modules of this project
        [sys.executable, "-m", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if status:
        sys.exit(f"{' '.join(arguments)} ended with status {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3


def stage(name: str, item: str, *, record: bool) -> tuple[str, str]:
    """Return the arguments of Python that run a stage.

    Args:
        name: Name of the stage.
        item: Item of the stage.
        record: Whether the stage writes its record, as under DVC.
    """
    return ("cli.stage", f"{name}@{item}") if record else (f"tasks.{name}", item)


def row(name: str, runs: list[Run], loader: list[Run]) -> str:
    """Return a line of the table: medians, and the factors to the loader."""
    seconds, cpu = (statistics.median(run[column] for run in runs) for column in (0, 1))
    factors = [statistics.median(run[column] for run in loader) / value for column, value in ((0, seconds), (1, cpu))]
    peak = max(run[2] for run in runs)
    return f"| {name} | {seconds:.1f} | {factors[0]:.1f} | {cpu:.1f} | {factors[1]:.1f} | {peak:.0f} |"


def both(first: list[Run], second: list[Run]) -> list[Run]:
    """Return the runs of two processes as one: sums of times, and the larger peak of memory."""
    return [(a[0] + b[0], a[1] + b[1], max(a[2], b[2])) for a, b in zip(first, second, strict=True)]


def main() -> None:
    """Print the table of measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fbank", description=__doc__)
    parser.add_argument("corpus", help="name of the corpus in params.yaml")
    parser.add_argument("front_end", nargs="?", default="ast")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="start the stages as DVC does, with their records")
    options = parser.parse_args()
    audio = str(Path("data/raw", options.corpus, "audio"))
    extract, fbank = "`extract`", f"`fbank@{options.front_end}`"
    clips = params.section(params.read(), f"frontends.{options.front_end}")["duration_s"]
    least = (audio, str(LEAST_OUT), options.front_end, str(clips))
    parts = {
        LOADER: ("benchmarks.baselines.loader", audio),
        "bound: decoding, resampling, Fourier transforms": ("benchmarks.baselines.bound", audio),
        LEAST[0]: ("benchmarks.baselines.least", "waveforms", *least),
        LEAST[1]: ("benchmarks.baselines.least", "features", *least),
        extract: stage("extract", options.corpus, record=options.record),
        fbank: stage("fbank", f"{options.corpus}-{options.front_end}", record=options.record),
    }
    folders = CorpusFolders("training", options.corpus)
    outs = {
        LEAST[0]: (LEAST_OUT,),
        extract: (folders.tables, folders.waveforms),
        fbank: (folders.features(options.front_end),),
    }
    runs: dict[str, list[Run]] = {name: [] for name in parts}
    try:
        for _ in range(options.runs):
            for name, arguments in parts.items():
                for folder in outs.get(name, ()):
                    shutil.rmtree(folder, ignore_errors=True)
                runs[name].append(measure(*arguments))
    finally:
        shutil.rmtree(LEAST_OUT, ignore_errors=True)
    runs["least: both"] = both(runs[LEAST[0]], runs[LEAST[1]])
    runs["`extract` + `fbank`"] = both(runs[extract], runs[fbank])
    print(f"{usable_cores()} cores ({cpu_name()}), medians of {options.runs} runs, the largest peak of memory:\n")
    print("| whole process | seconds | times | CPU seconds | times | peak MB |\n|---|---|---|---|---|---|")
    for name, measured in runs.items():
        print(row(name, measured, runs[LOADER]))


if __name__ == "__main__":
    main()
