"""Model folder and log of use on disk, for what reads both."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tasks.prediction import use_log
from tests.unit.tasks.monitoring.simulated import CLASSES, MODEL_ID, USUAL, Ward, card

FIRST = datetime(2026, 11, 2, 8, tzinfo=UTC)  # a Monday


def model(folder: Path, **other: Any) -> Path:
    """Write the card of a model that learned from the usual ward, and return its folder."""
    facts: dict[str, Any] = {
        "architecture": "ast",
        "frontend": "ast",
        "labels": "lungsound_4",
        "classes": list(CLASSES),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(
        json.dumps({**facts, "classes": list(CLASSES), **card(), **other}), encoding="utf-8"
    )
    return folder


def log(path: Path, weeks: Iterable[tuple[Ward, int]] = ((USUAL, 60),), model_id: str = MODEL_ID) -> Path:
    """Append to a log the use in consecutive weeks, each of a ward with a number of recordings, and return its path."""
    for week, (ward, number) in enumerate(weeks):
        start = FIRST + timedelta(weeks=week)
        for index, entry in enumerate(ward.entries(number, 100 + week)[0]):
            time = (start + timedelta(minutes=index)).isoformat()
            use_log.append(path, [replace(entry, time=time, model_id=model_id)])
    return path
