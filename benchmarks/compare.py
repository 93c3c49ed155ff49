"""Paired comparison of the students of two runs: ``python -m benchmarks.compare ONE OTHER``.

Both arguments are files such as ``data/evaluation/predictions.parquet``, of runs with equal test cycles. The intervals
are over the test patients with networks fixed, and over patients and seeds.

    python -m benchmarks.compare distilled/predictions.parquet plain/predictions.parquet
"""

import sys
from pathlib import Path

import polars as pl

from flows.leaderboards.differences import Students
from tasks.evaluation.intervals import Networks, difference

CONFIDENCE = 0.95


def main() -> None:
    """Print the difference of both Scores (mean over seeds) with its confidence intervals."""
    one, other = (students(Path(argument)) for argument in sys.argv[1:3])
    if one.matrices.shape[1:] != other.matrices.shape[1:]:
        sys.exit("The two runs have different test patients; compare runs of one split.")
    for name, found in difference(one, other, CONFIDENCE).items():
        print(
            f"{name}: {found['difference']:+.1f} (networks fixed: {found['low']:+.1f} to {found['high']:+.1f}", end=""
        )
        if "low_seeds" in found:
            print(f"; patients and seeds: {found['low_seeds']:+.1f} to {found['high_seeds']:+.1f}", end="")
        print(")")


def students(path: Path) -> Networks:
    """Return the networks of all seeds, for the selection ``val``."""
    rows = pl.read_parquet(path).filter(pl.col("model").str.starts_with("student/"))
    return Networks(Students.from_predictions(rows, "val").matrices, seeds=True)


if __name__ == "__main__":
    main()
