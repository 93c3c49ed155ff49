"""Seconds of `breathline audit trace` and `verify` on a large project: ``python -m benchmarks.trace FOLDER``.

The project is the small one of the tests with more recordings and a longer event log. It is made in the folder, if that
is new. Each question is asked in processes of its own.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.unit.lineage import large

QUESTIONS = (
    "score",
    "patient:101",
    "101_1b1_Tc_sc_Meditron",
    "101_1b1_Tc_sc_Meditron_003",
    "data/student/1",
    "evaluate",
)
TIMES = 5


def main() -> None:
    """Print a Markdown table of the seconds of each question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the project")
    parser.add_argument("--recordings", type=int, default=2_000, help="number of recordings of a new project")
    parser.add_argument("--entries", type=int, default=10_000, help="number of entries of its event log")
    arguments = parser.parse_args()
    if not arguments.folder.exists():
        large.build(arguments.folder, arguments.recordings)
        large.lengthen_log(arguments.folder, arguments.entries)
    print("| question | seconds (median) | seconds of the processor |\n|---|---|---|")
    for question in QUESTIONS:
        print(_row(arguments.folder, f"trace {question}", "trace", question))
    print(_row(arguments.folder, "verify", "verify", "--json"))


def _row(folder: Path, name: str, *arguments: str) -> str:
    code = f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); from cli.main import app; app()"
    command = [sys.executable, "-c", code, "audit", *arguments]
    seconds, used = [], _processor()
    for _ in range(TIMES):
        began = time.perf_counter()
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - fixed questions
        seconds.append(time.perf_counter() - began)
    return f"| `{name}` | {statistics.median(seconds):.2f} | {(_processor() - used) / TIMES:.2f} |"


def _processor() -> float:
    """Return the seconds that ended processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
