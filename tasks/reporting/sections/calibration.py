"""Section of the calibration: accuracy over confidence, and calibration errors of every model."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.reporting.figures import DASHED, unit_square
from tasks.reporting.model_rows import rows
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.reporting.svg import INK, PALETTE, drawing


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    calibration = run.metrics["student"]["val"]["calibration"]
    of_models = rows(run.metrics, "val")
    return {
        "reliability": reliability(
            calibration["bins"], "Accuracy over confidence", (calibration["scaled"] or {}).get("bins", ())
        ),
        "rows": of_models,
        "scaled": [row for row in of_models if row["calibration"]["scaled"]],
    }


def reliability(bins: Sequence[Mapping[str, Any]], label: str, scaled: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return accuracy over confidence, with a disc for each bin; its area grows with the number of cycles.

    Args:
        bins: The bins (`tasks.evaluation.calibration`).
        label: The text alternative of the figure.
        scaled: The bins with the temperature, drawn as a line with open discs.
    """
    most = max(part["n"] for part in bins)
    with drawing(4.6, 4.3, label) as canvas:
        axes = canvas.axes
        axes.plot([0, 1], [0, 1], **DASHED)
        confidence, accuracy = [part["confidence"] for part in bins], [part["accuracy"] for part in bins]
        axes.plot(confidence, accuracy, color=PALETTE[0], linewidth=1.2)
        axes.scatter(confidence, accuracy, s=[12 + 200 * part["n"] / most for part in bins], color=PALETTE[0])
        if scaled:
            points = [part["confidence"] for part in scaled], [part["accuracy"] for part in scaled]
            axes.plot(*points, "o-", color=PALETTE[1], markerfacecolor="none", linewidth=1.2, label="with temperature")
            axes.legend(loc="lower right", labelcolor=INK)
        unit_square(axes, "confidence (largest probability)", "accuracy")
    return canvas.svg


SECTION = Section(title="Calibration", order=500, content=content)
