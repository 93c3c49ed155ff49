"""Tables of the complete database, made of its annotations and metadata, since few recordings are available."""

import math
from pathlib import Path
from typing import Any

import polars as pl

from tasks.corpora import extraction
from tasks.corpora.contents import Metadata
from tasks.corpora.icbhi.adapter import CORPUS

Complete = tuple[pl.DataFrame, pl.DataFrame, Metadata]


def complete_tables(folder: Path, **measures: Any) -> Complete:
    """Return the tables of recordings and cycles with invented hashes, and the metadata.

    Args:
        folder: Folder of `annotations` and `metadata`.
        measures: Measures of sound, equal for all recordings; the duration is the end of the last cycle.
    """
    paths = sorted((folder / "annotations").glob("*.txt"))
    facts, rows = [], []
    for path in paths:
        cycles = CORPUS.read_cycles(path, math.inf)
        frames = math.ceil(4000 * cycles[-1].end_s)
        facts.append(
            {"recording_id": path.stem, **measures, "frames": frames, "duration_s": frames / 4000}
            | {"cycles": len(cycles), "recording_sha256": path.stem, "annotation_sha256": path.stem}
        )
        rows += [
            {"cycle_id": f"{path.stem}_{index:03}", "recording_id": path.stem, "cycle_index": index, **cycle.own}
            | {"start_s": cycle.start_s, "end_s": cycle.end_s, "duration_s": cycle.end_s - cycle.start_s}
            | {"audio_sha256": f"{path.stem} {index}"}
            for index, cycle in enumerate(cycles)
        ]
    metadata = CORPUS.read_metadata(folder / "metadata", [path.stem for path in paths])
    recordings = extraction.recordings(CORPUS, facts, metadata, name="icbhi")
    return pl.DataFrame(recordings), pl.DataFrame(extraction.cycles(CORPUS, rows, recordings)), metadata
