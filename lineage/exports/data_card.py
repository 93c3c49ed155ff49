"""The card of the data set of cycles in Hugging Face's format: YAML, and a text on source, content, use and limits.

Format: huggingface.co/docs/hub/datasets-cards. Counts are those of the tables that lie there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lineage import files
from lineage.exports import corpora, hub_card
from lineage.project import Project
from tasks.audio import front_end_rates
from tasks.runtime.errors import BreathlineError

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))  # the Hub's own classes


def card(project: Project) -> str:
    """Return the card as Markdown.

    Raises:
        BreathlineError: There are no cycles yet, or their tables are not here.
    """
    from huggingface_hub import DatasetCardData

    corpus = corpora.of(project)
    if "extract" not in project.records:
        raise BreathlineError("There are no cycles yet.", where=project.root / "data/cycles", hint="`breathline run`")
    recordings, cycles = (_table(project.root / f"data/cycles/{name}.parquet") for name in ("recordings", "cycles"))
    summary = json.loads((project.root / "data/cycles/summary.json").read_text(encoding="utf-8"))
    source = json.loads((project.root / "data/raw/source.json").read_text(encoding="utf-8"))
    about = DatasetCardData(
        pretty_name=f"{corpus.name}: breath cycles",
        license="other" if corpus.url else "mit",
        task_categories=["audio-classification"],
        size_categories=[next((name for size, name in SIZES if len(cycles) < size), "100K<n<1M")],
        tags=["respiratory-sounds", "lung-sounds", "medical"],
        configs=[
            {"config_name": "cycles", "data_files": "data/cycles/cycles.parquet", "default": True},
            {"config_name": "recordings", "data_files": "data/cycles/recordings.parquet"},
        ],
    )
    return hub_card.card(
        about,
        "data_card.md.j2",
        corpus=corpus,
        intended=corpora.INTENDED,
        source=source,
        summary=summary,
        unfaded=front_end_rates.unfaded(project.records["extract"]["params"]["frontends"]),
        splits={split: _split(split, recordings, cycles) for split in sorted({row["split"] for row in cycles})},
        both_sides=corpora.both_sides(recordings),
        groups={name: _people(recordings, name) for name in ("sex", "diagnosis", "device", "chest_location")},
        ages=sorted({row["patient_id"]: row["age"] for row in recordings if row["age"] is not None}.values()),
        files=files.flat(project.records["extract"]["outputs"]),
        dropped=_dropped(project),
    )


def _table(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise BreathlineError("A table is recorded, but not here.", where=path, hint="`dvc pull`, or `dvc repro`")
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


def _split(split: str, recordings: list[dict[str, Any]], cycles: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [row for row in cycles if row["split"] == split]
    return {
        "recordings": sum(row["split"] == split for row in recordings),
        "patients": len({row["patient_id"] for row in rows}),
        "cycles": len(rows),
        "crackles": sum(row["crackles"] > row["wheezes"] for row in rows),
        "wheezes": sum(row["wheezes"] > row["crackles"] for row in rows),
        "both": sum(row["crackles"] and row["wheezes"] for row in rows),
        "hours": sum(row["duration_s"] for row in rows) / 3600,
    }


def _people(recordings: list[dict[str, Any]], column: str) -> Mapping[str, int]:
    """Return how many patients there are of each value; one with recordings of several values counts for each."""
    pairs = {(row["patient_id"], row[column] or "unknown") for row in recordings}
    return dict(Counter(value for _, value in sorted(pairs)).most_common())


def _dropped(project: Project) -> dict[str, int]:
    """Return how many recordings and cycles were left out before training, by reason."""
    stages = ("download", "extract")
    accounts = [project.records[name]["account"].get("dropped", {}) for name in stages if name in project.records]
    return {reason: len(ids) for account in accounts for reason, ids in account.items()}
