"""Maps and sharpness of a small finished run, for the sections of the report."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tasks.explanation import maps

METHODS = ("layer_cam", "integrated_gradients")
MODEL = "student/1"
ROWS, COLUMNS = 4, 2  # cells of a map


def _mean(value: float, *, interval: bool = True) -> dict[str, float | int | None]:
    low, high = (value - 0.1, value + 0.1) if interval else (None, None)
    return {"mean": value, "low": low, "high": high, "patients": 5}


def figures() -> dict[str, Any]:
    """Return the entries ``maps`` and ``sharpness`` of ``reports/explanation.json``."""
    curve = {kind: {"area": _mean(0.5), "curve": [0.9, 0.6, 0.3]} for kind in ("deletion", "insertion")}
    compared = [f"{kind}_minus_{order}" for kind in curve for order in ("random", "energy")]
    tests = {name: _mean(-0.2) for name in compared} | {"outside": _mean(0.4), "outside_frames": _mean(0.5)}
    tests["correlation_with_untrained"] = {"mean": None, "low": None, "high": None, "patients": 0}
    by_method = {"layer_cam": tests, "integrated_gradients": tests | {"completeness_gap": 0.0321}}
    orders = dict.fromkeys((*METHODS, "random", "energy"), curve)
    sharp = {"optimizer": "sam", "loss": 0.5, "eigenvalue": 12.345, "residual": 0.0456, "products": 7}
    sharp |= {"line": {"offsets": [-1, 0, 1], "losses": [2.0, 0.5, None]}}
    sharp |= {"plane": {"offsets": [-1, 0, 1], "losses": [[3.0, 2.0, 3.0], [1.5, 0.5, 1.5], [3.0, 2.0, 3.0]]}}
    return {
        "maps": {"confidence": 0.95, "models": {MODEL: {"orders": orders, "methods": by_method}}},
        "sharpness": {"cycles": 8, "models": {MODEL: sharp}},
    }


def write_maps(path: Path, cycles: list[str]) -> None:
    """Write a table of maps in which the last cycle has a single map, as further cycles of the gallery do."""
    rows = [
        {
            "model": MODEL,
            "cycle_id": cycle,
            "method": method,
            "target": "wheeze",
            "frames": ROWS,
            "bands": COLUMNS,
            "values": np.linspace(-1, 1, ROWS * COLUMNS),
            "seconds": [0.05, 0.15, 0.25, 0.35],
            "hertz": [90.0, 2100.0],
        }
        for cycle in cycles
        for method in (METHODS if cycle != cycles[-1] else METHODS[:1])
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(maps.table(rows), path)
