"""Paired comparison of the students of two runs: ``python -m benchmarks.compare ONE OTHER``.

Both arguments are files such as ``data/evaluation/predictions.parquet``, of runs with equal test cycles. The intervals
are over the test patients with networks fixed, and over patients and seeds.

    python -m benchmarks.compare distilled/predictions.parquet plain/predictions.parquet
"""

import sys
from pathlib import Path

import polars as pl

from flows.leaderboards.differences import Students, degenerate
from tasks.evaluation.intervals import Networks, difference
from tasks.evaluation.rounding import rounded
from tasks.evaluation.words import limits, signed

CONFIDENCE = 0.95


def main() -> None:
    """Print the difference of both Scores (mean over seeds) with its confidence intervals, and degenerate networks."""
    sides = one, other = [students(Path(argument)) for argument in sys.argv[1:3]]
    if one.matrices.shape[1:] != other.matrices.shape[1:]:
        sys.exit("The two runs have different test patients; compare runs of one split.")
    flags = degenerate(("ONE", "OTHER"), sides)
    networks = [Networks(side.matrices, seeds=True) for side in sides]
    for name, found in difference(*networks, CONFIDENCE).items():
        row = {key: rounded(value) for key, value in found.items()}
        print(f"{name}: {signed(row['difference'])}{limits(row)}" + (f"; degenerate: {flags}" if flags else ""))


def students(path: Path) -> Students:
    """Return the networks of all seeds, for the selection ``val``."""
    rows = pl.read_parquet(path).filter(pl.col("model").str.starts_with("student/"))
    return Students.from_predictions(rows, "val")


if __name__ == "__main__":
    main()
