"""The manifest of recordings: each with the hashes of its files, its patient and its side of the split.

It is an export, not an artifact of its own: `extract` hashes every file that it reads, and `download` the archive; the
tables that they leave are versioned, so that a second list could only disagree.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.artifacts import RECORDINGS, SOURCE
from tasks.runtime.errors import BreathlineError

COLUMNS = [
    *("recording_id", "patient_id", "split", "fold", "recording_sha256", "annotation_sha256"),
    *("frames", "sample_rate", "cycles"),
]
ABOUT = ("corpus", "source", "archive", "metadata", "missing", "excluded", "corrections")


def manifest(root: Path) -> dict[str, Any]:
    """Return what is known of the source, and all recordings by id.

    Raises:
        BreathlineError: The recordings have not been extracted.
    """
    for path in (RECORDINGS, SOURCE):
        if not (root / path).is_file():
            hint = "`dvc pull`, or `dvc repro extract`"
            raise BreathlineError("The manifest rests on a file that is not there.", where=path, hint=hint)
    with pq.ParquetFile(root / RECORDINGS) as file:
        rows = file.read(COLUMNS).to_pylist()
    source = json.loads((root / SOURCE).read_text(encoding="utf-8"))
    return {key: source[key] for key in ABOUT if key in source} | {"recordings": rows}


def as_csv(found: dict[str, Any]) -> str:
    """Return the recordings as CSV, each with the archive's SHA-256, which is empty where there was none."""
    archive = (found["archive"] or {}).get("sha256", "")
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, "archive_sha256"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"archive_sha256": archive} for row in found["recordings"])
    return text.getvalue()
