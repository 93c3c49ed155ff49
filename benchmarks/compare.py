"""Paired comparison of the students of two runs: ``python -m benchmarks.compare ONE OTHER``.

Both arguments are files such as ``data/evaluation/predictions.parquet``, of runs with equal test cycles and seeds. The
bootstrap draws the same test patients for both.

    python -m benchmarks.compare distilled/predictions.parquet plain/predictions.parquet
"""

import sys
from pathlib import Path

import polars as pl

from flows.leaderboards.comparison import confusion_by_seed
from models.metrics import Counts
from tasks.evaluation.bootstrap import difference, draw

RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 0


def main() -> None:
    """Print the difference of both Scores (mean over seeds) with its confidence interval."""
    one, other = (students(Path(argument)) for argument in sys.argv[1:3])
    if [len(run) for run in one] != [len(run) for run in other]:
        sys.exit("The two runs have different test patients; compare runs of one split.")
    weights = draw(len(one[0]), resamples=RESAMPLES, seed=SEED)
    for name, found in difference(weights, one, other, CONFIDENCE).items():
        print(f"{name}: {found['difference']:+.1f} ({found['low']:+.1f} to {found['high']:+.1f})")


def students(path: Path) -> list[Counts]:
    """Return the confusion matrices ``(patients, classes, classes)`` of each seed, for the selection ``val``."""
    return confusion_by_seed(pl.read_parquet(path).filter(pl.col("model").str.starts_with("student/")), "val")


if __name__ == "__main__":
    main()
