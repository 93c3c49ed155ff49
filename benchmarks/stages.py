"""Duration and peak memory of stages, started as DVC starts them: ``python -m benchmarks.stages STAGE [STAGE ...]``.

Run it at the root of a project; the outs of the stages are written. The memory is the resident memory of a stage and
all its children, summed and sampled twenty times per second. Shared pages are counted more than once.

    python -m benchmarks.stages download@demo extract@demo validate@demo fbank@demo-ast pool
"""

import subprocess
import sys
import time

import psutil

INTERVAL_S = 0.05


def main() -> None:
    """Run the stages of the command line one after the other and print a Markdown table."""
    rows = ["| stage | seconds | peak MB |", "|---|---|---|"]
    for stage in sys.argv[1:]:
        seconds, peak = run([sys.executable, "-m", "cli.stage", *stage.split("@")])
        rows.append(f"| `{stage}` | {seconds:.1f} | {peak / 1e6:.0f} |")
        print("\n".join(rows), flush=True)


def run(command: list[str]) -> tuple[float, int]:
    """Run a command; return its seconds and its peak memory in bytes. Exit if it fails."""
    started, peak = time.perf_counter(), 0
    with psutil.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(INTERVAL_S)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}")
    return time.perf_counter() - started, peak


def resident(process: psutil.Process) -> int:
    """Return the resident memory of a process and all its children in bytes."""
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        return total
    return total


if __name__ == "__main__":
    main()
