"""Command line: the numbers of a finished project's report, compared with numbers that are computed again.

Usage: python -m tests.recompute [FOLDER], the root of the project. Status 1: a number or a part of the page is wrong,
unknown or missing. Status 2: a file of the project is missing.
"""

import argparse
import sys
from pathlib import Path

from tests.recompute import comparison


def main(folder: Path) -> int:
    """Print how many numbers of each section were compared, and each wrong one; return the exit status."""
    try:
        found = comparison.of_project(folder)
    except FileNotFoundError as error:
        print(f"The project is not finished: {error}. Run `dvc repro report` in its folder first.", file=sys.stderr)
        return 2
    lines = [f"{one.section:<21} {one.numbers:>7} {len(one.wrong):>6}  {one.source}" for one in found]
    lines += [f"not read: {one.section}, {n} × {what}" for one in found for what, n in one.not_read.items()]
    lines += [f"WRONG: {one.section}, {line}" for one in found for line in one.wrong]
    numbers, wrong = sum(one.numbers for one in found), sum(len(one.wrong) for one in found)
    print(f"{'section':<21} numbers  wrong  computed from", *lines, f"{numbers:,} numbers, {wrong} wrong", sep="\n")
    return int(wrong > 0 or numbers == 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.recompute", description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="root of a finished project")
    sys.exit(main(parser.parse_args().folder))
