"""Duration and peak memory of stages, started as DVC starts them: ``python -m benchmarks.stages STAGE [STAGE ...]``.

Run it at the root of a project; the outs of the stages are written. The memory is the resident memory of a stage and
all its children, summed and sampled twenty times per second. Shared pages are counted more than once. Pages of mapped
files, such as features in a training, belong to it; the system takes them back when it needs memory.

    python -m benchmarks.stages download@demo extract@demo validate@demo fbank@demo-ast pool
"""

import resource
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

INTERVAL_S = 0.05
HEADER = "| stage | seconds | CPU seconds | peak MB | without mapped files: MB |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Usage:
    """Resources that a command used, with all its children.

    Attributes:
        seconds: Seconds of the clock.
        cpu: Seconds of the processor.
        peak: Largest resident memory in bytes.
        private: Largest resident memory in bytes without the pages of mapped files.
    """

    seconds: float
    cpu: float
    peak: int
    private: int


def main() -> None:
    """Run the stages of the command line one after the other and print a Markdown table."""
    rows = [HEADER]
    for stage in sys.argv[1:]:
        rows.append(row(f"`{stage}`", run([sys.executable, "-m", "cli.stage", *stage.split("@")])))
        print("\n".join(rows), flush=True)


def row(name: str, used: Usage) -> str:
    """Return a line of the table."""
    return f"| {name} | {used.seconds:.1f} | {used.cpu:.1f} | {used.peak / 1e6:.0f} | {used.private / 1e6:.0f} |"


def run(command: list[str], folder: Path | None = None) -> Usage:
    """Run a command, in a folder if one is given, and return what it used. Exit if it fails."""
    started, cpu, peak, private = time.perf_counter(), _cpu_of_children(), 0, 0
    with psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            resident, mapped = memory(process)
            peak, private = max(peak, resident), max(private, resident - mapped)
            time.sleep(INTERVAL_S)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}")
    return Usage(time.perf_counter() - started, _cpu_of_children() - cpu, peak, private)


def memory(process: psutil.Process) -> tuple[int, int]:
    """Return the resident memory of a process and all its children in bytes, and that of mapped files among it."""
    resident, mapped, members = 0, 0, [process]
    with suppress(psutil.NoSuchProcess):
        members += process.children(recursive=True)
    for member in members:
        with suppress(psutil.NoSuchProcess):
            found = member.memory_info()
            resident, mapped = resident + found.rss, mapped + found.shared
    return resident, mapped


def _cpu_of_children() -> float:
    """Return the processor seconds of all children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
