"""Columns of tables of predictions, and the kind of values in each."""

from collections.abc import Sequence
from typing import Literal

# Columns of the measures of a segment or recording.
MEASURES = {
    "level_dbfs": "rms_dbfs",
    "peak": "peak",
    "dc_offset": "dc_offset",
    "clipped_fraction": "clipped_fraction",
    "silent_fraction": "silent_fraction",
    "longest_constant_s": "longest_constant_s",
    "mix_loss_db": "mix_loss_db",
    "centroid_hz": "centroid_hz",
    "band_hz": "band_hz",
}
TEXTS = {"model", "model_id", "recording", "file", "patient", "cycle_id", "decision", "predicted", "classes", "channel"}
TEXTS |= {"note", "banner", "level"}
COUNTS = {"sample_rate", "channels", "segments", "recordings", "judged", "uncertain", "unlike", "not_judged", "open"}


def columns(classes: Sequence[str]) -> list[str]:
    """Return the names of the columns of a table of predictions."""
    first = ["model", "model_id", "recording", "file", "patient", "cycle_id", "start_s", "end_s"]
    judged = ["decision", "predicted", "classes", *(f"p_{name}" for name in classes), "confidence", "distance"]
    return [*first, *judged, "sample_rate", *MEASURES, "note", "banner"]


def kind(column: str) -> Literal["text", "count", "probability", "number"]:
    """Return the kind of values in a column of predictions or of summaries."""
    if column in TEXTS:
        return "text"
    if column in COUNTS or column.startswith("n_"):
        return "count"
    return "probability" if column.startswith("p_") else "number"
