"""Section of the calibration: accuracy over confidence, and calibration errors of every model."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.reporting.figures import DASHED, unit_square
from tasks.reporting.model_rows import rows
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.reporting.svg import PALETTE, drawing


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    bins = run.metrics["student"]["val"]["calibration"]["bins"]
    return {"reliability": reliability(bins, "Accuracy over confidence"), "rows": rows(run.metrics, "val")}


def reliability(bins: Sequence[Mapping[str, Any]], label: str) -> str:
    """Return accuracy over confidence, with a disc for each bin; its area grows with the number of cycles."""
    most = max(part["n"] for part in bins)
    with drawing(4.6, 4.3, label) as canvas:
        axes = canvas.axes
        axes.plot([0, 1], [0, 1], **DASHED)
        confidence, accuracy = [part["confidence"] for part in bins], [part["accuracy"] for part in bins]
        axes.plot(confidence, accuracy, color=PALETTE[0], linewidth=1.2)
        axes.scatter(confidence, accuracy, s=[12 + 200 * part["n"] / most for part in bins], color=PALETTE[0])
        unit_square(axes, "confidence (probability of the predicted class)", "accuracy")
    return canvas.svg


SECTION = Section(title="Calibration", order=500, content=content)
