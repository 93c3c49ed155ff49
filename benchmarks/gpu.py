"""Checks and measurements of training on one GPU, within ten minutes: ``python -m benchmarks.gpu``.

Each part (`benchmarks.gpu_parts`) is a process of its own and prints its lines as it goes. A part that fails does not
stop the others. The status is 1 if a part failed, or if no time was left for one.

    python -m benchmarks.gpu --recordings FOLDER     # wav and txt files in the format of ICBHI 2017
    python -m benchmarks.gpu --device cpu --small    # the dry run, without a GPU
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.gpu_parts import PARTS, digest
from tasks.runtime.hardware import cpu_name, usable_cores
from tasks.runtime.parent_death import terminate_with_parent

LEAST_S = 10.0  # time that a part needs at least, in seconds


def main(arguments: list[str] | None = None) -> int:
    """Run the parts, or one of them in this process; return the status."""
    options = _parse(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("torch finds no GPU: use a machine with one, or `--device cpu --small` for the dry run.")
        return 1
    if options.part is not None:
        terminate_with_parent()  # out of time, a part ends with the processes that it has started
        for line in (PARTS | {"digest": digest})[options.part](options):
            print(line, flush=True)
        return 0
    device = torch.cuda.get_device_name() if options.device == "cuda" else cpu_name()
    print(f"{device}, {usable_cores()} cores, torch {torch.__version__}", flush=True)
    end = time.monotonic() + 60 * options.minutes
    faults = [fault for part in options.parts if (fault := _run(part, options, end)) is not None]
    print("\n" + ("\n".join(faults) or "All parts have passed."))
    return 1 if faults else 0


def _run(part: str, options: argparse.Namespace, end: float) -> str | None:
    """Run a part in a process of its own until the end of the time; return its fault, or None."""
    left = end - time.monotonic()
    if left < LEAST_S:
        return f"{part}: not run, no time was left (--minutes)"
    print(f"\n## {part}\n", flush=True)
    command = [sys.executable, "-m", "benchmarks.gpu", "--part", part, "--device", options.device]
    command += ["--small"] if options.small else []
    command += [] if options.recordings is None else ["--recordings", str(options.recordings)]
    begun = time.monotonic()
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, encoding="utf-8", timeout=left, check=False)  # noqa: S603 - this Python
    except subprocess.TimeoutExpired:
        return f"{part}: ended after {left:.0f} s, no time was left (--minutes)"
    if done.returncode:
        print(done.stderr[-3000:], file=sys.stderr, flush=True)
        return f"{part}: {(done.stderr.strip().splitlines() or [f'status {done.returncode}'])[-1]}"
    print(f"\n({time.monotonic() - begun:.0f} s)", flush=True)
    return None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--minutes", type=float, default=9.5, help="time for all parts")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--recordings", type=Path, help="folder of wav and txt files in the format of ICBHI 2017")
    parser.add_argument("--small", action="store_true", help="tiny networks and few clips")
    parser.add_argument("--part", choices=[*PARTS, "digest"], help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
