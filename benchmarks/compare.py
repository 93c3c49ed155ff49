"""Two runs' students, paired over the same resampled test patients: ``python -m benchmarks.compare ONE OTHER``.

Both are files like ``data/evaluation/predictions.parquet``, of runs with the same test cycles and seeds.

    python -m benchmarks.compare distilled/predictions.parquet plain/predictions.parquet
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from flows.leaderboards.comparison import confusion_by_seed
from models.metrics import Counts
from tasks.evaluation.bootstrap import difference, draw

RESAMPLES, CONFIDENCE, SEED = 2000, 0.95, 0


def main() -> None:
    """Print the difference of both Scores, the mean over seeds, with its interval."""
    one, other = (students(Path(argument)) for argument in sys.argv[1:3])
    if [len(run) for run in one] != [len(run) for run in other]:
        sys.exit("The two runs have not the same test patients.")
    weights = draw(len(one[0]), resamples=RESAMPLES, seed=SEED)
    for name, found in difference(weights, one, other, CONFIDENCE).items():
        print(f"{name}: {found['difference']:+.1f} ({found['low']:+.1f} to {found['high']:+.1f})")


def students(path: Path) -> list[Counts]:
    """Return a confusion matrix per test patient ``(patients, classes, classes)`` for each seed, as val chose."""
    return confusion_by_seed(pl.read_parquet(path).filter(pl.col("model").str.starts_with("student/")), "val")


if __name__ == "__main__":
    main()
