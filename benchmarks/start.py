"""Seconds of commands that have nothing to do: ``python -m benchmarks.start FOLDER [FOLDER]``.

Each folder is a clone with an environment of its own (``make setup``) and a finished run (``make demo``). With two
clones, such as one of an earlier commit, their commands take turns, each in a process of its own.
"""

import argparse
import os
import resource
import statistics
import subprocess
import time
from pathlib import Path

COMMANDS = (
    ("breathline", "--help"),
    ("breathline", "plan"),
    ("breathline", "models"),
    ("breathline", "recipe", "list"),
    ("breathline", "report"),
    ("breathline", "audit", "trace", "score"),
    ("breathline", "run"),
    ("dvc", "repro"),
)
RUNS = 7
Times = tuple[float, float]  # seconds by the clock, and of the processor


def main() -> None:
    """Print a Markdown table of the medians of each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="clones with an environment and a finished run")
    parser.add_argument("--runs", type=int, default=RUNS, help="number of runs of each command in each clone")
    arguments = parser.parse_args()
    names = [folder.name for folder in arguments.folders]
    print("| command | " + " | ".join(f"{name}: s | {name}: processor s" for name in names) + " |")
    print("|---" * (1 + 2 * len(names)) + "|")
    for command in COMMANDS:
        rows = [[_times(folder, command) for folder in arguments.folders] for _ in range(arguments.runs)]
        cells = [
            f"{statistics.median(values):.2f}" for one in zip(*rows, strict=True) for values in zip(*one, strict=True)
        ]
        print(f"| `{' '.join(command)}` | {' | '.join(cells)} |", flush=True)


def _times(folder: Path, command: tuple[str, ...]) -> Times:
    """Return the seconds of a command in a clone.

    Raises:
        CalledProcessError: The command has failed.
    """
    tools = (folder / ".venv" / "bin").absolute()
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
    used, began = _processor(), time.perf_counter()
    subprocess.run(  # noqa: S603 - fixed commands
        [tools / command[0], *command[1:]], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True
    )
    return time.perf_counter() - began, _processor() - used


def _processor() -> float:
    """Return the seconds that ended processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
