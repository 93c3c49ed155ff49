"""Section of the results by class: confusion matrix, recall and precision, and curves of each class."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tasks.evaluation.words import figure
from tasks.reporting.figures import DASHED, unit_square
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.reporting.svg import INK, drawing, line_of


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    student, classes = run.metrics["student"]["val"], run.metrics["classes"]
    areas = {name: f"(area {figure(row['auroc'], 2)})" for name, row in student["per_class"].items()}
    precisions = {name: f"(AP {figure(row['average_precision'], 2)})" for name, row in student["per_class"].items()}
    return {
        "student": student,
        "confusion": shares(student["confusion"]),
        "roc": _curve(run.plots["roc"], "student", classes, areas, "ROC curve of each class against the rest"),
        "precision_recall": _curve(
            run.plots["precision_recall"],
            "student",
            classes,
            precisions,
            "Precision over recall of each class against the rest",
        ),
    }


def shares(matrix: Sequence[Sequence[int]]) -> list[list[dict[str, Any]]]:
    """Return each cell's count and its share of the row; the share is None if the row is empty."""
    return [[{"n": n, "share": n / sum(row) if sum(row) else None} for n in row] for row in matrix]


def _curve(table: pl.DataFrame, model: str, classes: Sequence[str], notes: Mapping[str, str], label: str) -> str:
    """Return one curve for each class of one model.

    Args:
        table: The curves (`tasks.evaluation.curves`); the last two columns are x and y.
        model: The name of the model.
        classes: The names of the classes.
        notes: A note behind the name of each class in the legend.
        label: The text alternative of the figure.
    """
    x, y = table.columns[-2:]
    is_roc = x == "false_positive_rate"
    with drawing(4.6, 4.3, label) as canvas:
        axes = canvas.axes
        if is_roc:
            axes.plot([0, 1], [0, 1], **DASHED)
        for index, name in enumerate(classes):
            part = table.filter((pl.col("model") == model) & (pl.col("class") == name))
            if part.height:
                axes.plot(part[x], part[y], **line_of(index, f"{name} {notes[name]}"))
        unit_square(axes, x.replace("_", " "), y.replace("_", " "))
        if axes.lines[is_roc:]:  # no class may be in the test
            axes.legend(loc="lower right" if is_roc else "best", labelcolor=INK)
    return canvas.svg


SECTION = Section(title="Results by class", order=200, content=content)
