"""Card of the data set of cycles for the Hugging Face Hub (huggingface.co/docs/hub/datasets-cards).

The card has YAML metadata and a text on source, content, use and limits. Counts come from the current tables.
"""

import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lineage.exports import corpora, hub_card
from lineage.exports.corpora import Part
from lineage.exports.request import Request
from lineage.files import by_path
from lineage.project import Project
from tasks import artifacts
from tasks.audio import front_end_rates
from tasks.exporting.statements import INTENDED
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.corpus_facts import Licence

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))  # the Hub's own classes


def files(request: Request) -> dict[str, str]:
    """Return the content of `data_card.md` by file name."""
    return {"data_card.md": card(request.project)}


def card(project: Project) -> str:
    """Return the card as Markdown.

    Raises:
        BreathlineError: There are no cycles yet, or one of their tables is missing.
    """
    from huggingface_hub import DatasetCardData

    corpus, parts = corpora.read(project), corpora.parts(project)
    made = project.records[parts[0].folders.stage("extract")]
    tables = (corpora.existing_table(project, path) for path in (artifacts.RECORDINGS, artifacts.CYCLES))
    recordings, cycles = (read_table(table).to_pylist() for table in tables)
    summary = read_json(project.root / artifacts.SUMMARY)
    about = DatasetCardData(
        pretty_name=f"{corpus.title}: breath cycles",
        **_licence(corpus.licence),
        license_link=hub_card.licence_link(part.facts for part in parts if not part.external),
        task_categories=["audio-classification"],
        size_categories=[next((name for size, name in SIZES if len(cycles) < size), "100K<n<1M")],
        tags=["respiratory-sounds", "lung-sounds", "medical"],
        configs=[
            {"config_name": "cycles", "data_files": artifacts.CYCLES.as_posix(), "default": True},
            {"config_name": "recordings", "data_files": artifacts.RECORDINGS.as_posix()},
        ],
    )
    return hub_card.card(
        about,
        "data_card.md.j2",
        corpus=corpus,
        learned=[part for part in parts if not part.external],
        external=[part for part in parts if part.external],
        intended=INTENDED,
        summary=summary,
        unfaded=front_end_rates.unfaded(made["params"]["frontends"]),
        splits={split: _split(split, recordings, cycles) for split in sorted({row["split"] for row in cycles})},
        both_sides=corpora.both_sides(recordings),
        classes=summary["classes"],
        groups={name: _patients(recordings, name) for name in ("sex", "diagnosis", "device", "location")},
        ages=_ages(recordings),
        files=by_path(project.records["pool"]["outputs"]) | _waveforms(project, parts),
    )


def _split(split: str, recordings: list[dict[str, Any]], cycles: list[dict[str, Any]]) -> dict[str, Any]:
    rows, recorded = ([row for row in table if row["split"] == split] for table in (cycles, recordings))
    return {
        "recordings": len(recorded),
        "patients": len({row["patient_id"] for row in rows}),
        "cycles": len(rows),
        "recorded_hours": sum(row["duration_s"] for row in recorded) / 3600,
        "annotated_hours": sum(row["duration_s"] for row in rows) / 3600,
    }


def _ages(recordings: Sequence[Mapping[str, Any]]) -> dict[str, float] | None:
    """Return number, range and median of the known ages of patients in years; None if no age is known."""
    ages = {row["patient_id"]: row["age"] for row in recordings if row["age"] is not None}.values()
    if not ages:
        return None
    return {"patients": len(ages), "lowest": min(ages), "highest": max(ages), "median": statistics.median(ages)}


def _licence(licence: Licence | None) -> dict[str, Any]:
    """Return the Hub's identifier of a licence, and a name for one that the Hub has no identifier of."""
    if licence is None:
        return {"license": "unknown"}
    if licence.name == corpora.LICENCE:
        return {"license": "mit"}
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9]+", "-", licence.name.lower()).strip("-")}


def _patients(recordings: list[dict[str, Any]], column: str) -> Mapping[str, int]:
    """Return the number of patients for each value of a column, the most frequent value first.

    A patient with several values counts for each of them.
    """
    pairs = {(row["patient_id"], row[column] or "unknown") for row in recordings}
    return dict(Counter(value for _, value in sorted(pairs)).most_common())


def _waveforms(project: Project, parts: Sequence[Part]) -> dict[str, Mapping[str, Any]]:
    """Return the files of the waveforms of the corpora to learn from, by path."""
    folders = [part.folders for part in parts if not part.external]
    outs = [file for one in folders for file in by_path(project.records[one.stage("extract")]["outputs"]).values()]
    kept = tuple(f"{one.waveforms.as_posix()}/" for one in folders)
    return {file["path"]: file for file in outs if file["path"].startswith(kept)}
