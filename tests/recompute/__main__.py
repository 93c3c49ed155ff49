"""Command line: each number of a finished project's report, compared with the number that is computed again.

Usage: python -m tests.recompute [FOLDER], the root of the project. Status 1: a number is wrong, or unknown.
"""

import sys
from pathlib import Path

from tests.recompute import comparison, run


def main(folder: Path) -> int:
    """Print how many numbers of each section were compared, and each wrong one; return the exit status."""
    page = (folder / "reports/report.html").read_text(encoding="utf-8")
    found = list(comparison.compare(run.read(folder), page))
    lines = [f"{'section':<21} numbers  wrong  computed from"]
    lines += [f"{one.section:<21} {one.numbers:>7} {len(one.wrong):>6}  {one.source}" for one in found]
    lines += [f"not read: {one.section}, {n} × {what}" for one in found for what, n in one.not_read.items()]
    lines += [f"WRONG: {one.section}, {line}" for one in found for line in one.wrong]
    wrong = sum(len(one.wrong) for one in found)
    print(*lines, f"{sum(one.numbers for one in found):,} numbers, {wrong} wrong", sep="\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:])))
