"""Comparison of the artifacts of two projects."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.contents import main
from tasks.runtime.files import sha256, write_json

CYCLES, METRICS = "data/cycles/cycles.parquet", "reports/metrics.json"
OLD: dict[str, Any] = {"cycle_id": ["a", "b"], "patient_id": [1, 2], "crackles": [0, None]}
NEW: dict[str, Any] = {
    "corpus": ["x"] * 2,
    "cycle_id": ["a", "b"],
    "patient_id": ["1", "2"],
    "icbhi_crackles": [0, None],
}


def project(root: Path, columns: dict[str, Any], metrics: dict[str, Any]) -> Path:
    for path in (CYCLES, METRICS):
        (root / path).parent.mkdir(parents=True)
    pl.DataFrame(columns).write_parquet(root / CYCLES)
    (root / METRICS).write_text(json.dumps(metrics))
    made = [{"path": path, "sha256": sha256(root / path), "bytes": 1} for path in (CYCLES, METRICS)]
    write_json(root / "data/lineage/evaluate.json", {"outputs": made})
    return root


@pytest.mark.parametrize(
    ("columns", "metrics", "difference"),
    [
        (NEW, {"score": 1.0, "banner": None}, None),
        ({**NEW, "icbhi_crackles": [0, 1]}, {"score": 1.0}, "column icbhi_crackles, first in row 1: None → 1"),
        ({**NEW, "wheezes": [0, 0]}, {"score": 1.0}, "column added: wheezes"),
        (NEW, {"score": 2.0}, "score: 1.0 → 2.0"),
        (NEW, {}, "key removed: score"),
    ],
)
def test_renames_are_allowed_and_all_other_differences_are_printed(tmp_path, capsys, columns, metrics, difference):
    old = project(tmp_path / "old", OLD, {"score": 1.0})
    status = main(old, project(tmp_path / "new", columns, metrics))
    printed = capsys.readouterr().out
    assert status == (difference is not None), printed
    assert (difference or "2 files equal after the renames") in printed
