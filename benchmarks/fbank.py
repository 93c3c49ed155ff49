"""Benchmark of `extract` and `fbank` against a plain loader: ``python -m benchmarks.fbank data/raw/demo``.

Prints a Markdown table. Each run is a process of its own. The two alternate, so that other load on the machine affects
both.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tasks.runtime.hardware import cpu_name, peak_memory, usable_cores

RATE = 16_000


def run_part(part: str, raw: Path, work: Path) -> dict[str, float]:
    """Run one part in this process; return its seconds without imports, and its number of cycles."""
    cores = usable_cores()
    if part == "plain":
        from benchmarks.baselines.loader import load

        begun = time.perf_counter()
        cycles = len(load(raw / "audio"))
    elif part == "extract":
        from tasks.extract import MAX_WORKERS, extract

        begun = time.perf_counter()
        folders = raw, work / "cycles", work / "waveforms"
        cycles = extract(*folders, rates=[RATE], workers=min(cores, MAX_WORKERS))["cycles"]
    else:
        from models.frontends.registry import create
        from tasks.features.cache import MAX_WORKERS, build

        begun = time.perf_counter()
        audio = work / "waveforms" / f"{RATE}.parquet"
        workers = min(cores, MAX_WORKERS)
        build(create("ast", 8.0), work / "cycles/cycles.parquet", audio, work / "ast", duration_s=8.0, workers=workers)
        cycles = json.loads((work / "ast/statistics.json").read_text(encoding="utf-8"))["cycles"]
    return {"seconds": time.perf_counter() - begun, "cycles": cycles}


def measure(part: str, raw: Path, work: Path) -> dict[str, float]:
    """Run a part as a process; return cycles, seconds of work and of the process, and peak memory in MB."""
    command = [sys.executable, "-m", "benchmarks.fbank", str(raw), "--part", part, "--work", str(work)]
    begun = time.perf_counter()
    output = subprocess.run(  # noqa: S603 - this module
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, encoding="utf-8"
    ).stdout
    return {**json.loads(output), "process": time.perf_counter() - begun}


def row(name: str, runs: list[list[dict[str, float]]], plain: float) -> tuple[str, float]:
    """Return a line of the table and the median clips per second of runs that consist of parts."""
    rate = statistics.median(parts[0]["cycles"] / sum(part["seconds"] for part in parts) for parts in runs)
    whole = statistics.median(parts[0]["cycles"] / sum(part["process"] for part in parts) for parts in runs)
    peak = max(part["peak_mb"] for parts in runs for part in parts)
    return f"| {name} | {rate:.0f} | {whole:.0f} | {rate / (plain or rate):.1f} | {peak:.0f} |", rate


def main() -> None:
    """Print the table of measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fbank", description=__doc__)
    parser.add_argument("raw", type=Path, help="folder of a corpus, data/raw/NAME")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--part", choices=["plain", "extract", "fbank"], help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        result = run_part(options.part, options.raw, options.work)
        print(json.dumps({**result, "peak_mb": peak_memory() / 1e6}))
        return
    plain, ours = [], []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as work:
            plain.append([measure("plain", options.raw, Path(work))])
            ours.append([measure(part, options.raw, Path(work)) for part in ("extract", "fbank")])
    print(f"{plain[0][0]['cycles']} cycles, {usable_cores()} cores ({cpu_name()}), ", end="")
    print(f"medians of {options.runs} runs, peak memory the largest:\n")
    print("| wav to features of `ast` | clips/s | with start-up | times | peak MB |\n|---|---|---|---|---|")
    line, rate = row("plain loader", plain, 0)
    print(line)
    print(row("`extract` + `fbank`", ours, rate)[0])


if __name__ == "__main__":
    main()
