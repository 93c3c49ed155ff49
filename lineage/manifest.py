"""Manifest of the recordings of all corpora: hashes of the files, patient, split and fold.

The manifest is exported from the tables of each corpus's `download` and `extract`, which are versioned. It is no
artifact itself, because a second list could only disagree.
"""

import csv
import io
from pathlib import Path
from typing import Any

from lineage import corpora, graph
from tasks.artifacts import RECORDINGS, SOURCE
from tasks.runtime.artifact_reading import read_json, read_table

COLUMNS = [
    *("recording_id", "patient_id", "split", "fold", "recording_sha256", "annotation_sha256"),
    *("frames", "sample_rate", "cycles", "corpus"),
]
ABOUT = ("format", "source", "archive", "dataset", "metadata", "missing", "excluded", "corrections")


def manifest(root: Path) -> dict[str, Any]:
    """Return the role of each corpus with facts of its source, and the recordings of all corpora.

    Raises:
        BreathlineError: The table of recordings of a corpus or its source is missing or damaged.
    """
    about, rows = {}, []
    for corpus in corpora.of_stages(graph.read(root)):
        source = read_json(root / corpus.raw / SOURCE)
        about[corpus.name] = {"role": corpus.role, **{key: source[key] for key in ABOUT if key in source}}
        rows += read_table(root / corpus.tables / RECORDINGS.name, COLUMNS).to_pylist()
    return {"corpora": about, "recordings": rows}


def as_csv(found: dict[str, Any]) -> str:
    """Return the recordings as CSV, each with its corpus's role and archive's SHA-256; empty without an archive."""
    more = {
        name: {"role": about["role"], "archive_sha256": (about["archive"] or {}).get("sha256", "")}
        for name, about in found["corpora"].items()
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, "role", "archive_sha256"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | more[row["corpus"]] for row in found["recordings"])
    return text.getvalue()
