"""Manifest of recordings: hashes of the files, patient, split and fold.

The manifest is exported from the tables of `download` and `extract`, which are versioned. It is no artifact itself,
because a second list could only disagree.
"""

import csv
import io
from pathlib import Path
from typing import Any

from tasks.artifacts import RECORDINGS, SOURCE
from tasks.runtime.artifact_reading import read_json, read_table

COLUMNS = [
    *("recording_id", "patient_id", "split", "fold", "recording_sha256", "annotation_sha256"),
    *("frames", "sample_rate", "cycles"),
]
ABOUT = ("corpus", "source", "archive", "dataset", "metadata", "missing", "excluded", "corrections")


def manifest(root: Path) -> dict[str, Any]:
    """Return facts of the source, and all recordings by id.

    Raises:
        BreathlineError: The table of recordings or their source is missing or damaged.
    """
    rows = read_table(root / RECORDINGS, COLUMNS).to_pylist()
    source = read_json(root / SOURCE)
    return {key: source[key] for key in ABOUT if key in source} | {"recordings": rows}


def as_csv(found: dict[str, Any]) -> str:
    """Return the recordings as CSV, each with the archive's SHA-256; empty without an archive."""
    archive = (found["archive"] or {}).get("sha256", "")
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, "archive_sha256"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"archive_sha256": archive} for row in found["recordings"])
    return text.getvalue()
