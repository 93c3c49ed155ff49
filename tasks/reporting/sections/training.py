"""Section of the training: Score and loss over the epochs, and what each model is."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.ticker import MaxNLocator

from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section
from tasks.reporting.svg import INK, drawing, line_of

IN_TWO_COLUMNS = 20  # letters of the longest name for which a legend has two columns
LINE = 0.19  # height of a line of a legend in inches


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    history = run.plots["training"]
    return {
        "training": [
            _over_epochs(history, "val_score_strict", "strict Score, %", "Score over epochs"),
            _over_epochs(history, "train_loss", "training loss", "Training loss over epochs"),
        ],
        "cards": run.cards,
    }


def _over_epochs(history: pl.DataFrame, column: str, title: str, label: str) -> str:
    """Return one column of the training histories over the epochs, with a line for each model.

    Args:
        history: The histories (`tasks.evaluation.curves.training_table`).
        column: The column to draw.
        title: The title of the vertical axis.
        label: The text alternative of the figure.
    """
    models = history["model"].unique(maintain_order=True).to_list()
    columns = 2 if len(models) > 1 and max(map(len, models)) <= IN_TWO_COLUMNS else 1
    with drawing(4.6, 3.6 + LINE * -(-len(models) // columns), label) as canvas:
        axes = canvas.axes
        for index, model in enumerate(models):
            part = history.filter(pl.col("model") == model).drop_nulls(column)
            student = model.startswith("student/")
            axes.plot(
                part["epoch"],
                part[column],
                linewidth=2.4 if student else 1.2,
                marker="o" if part.height == 1 else None,
                **line_of(index, model),
            )
        axes.set(xlabel="epoch", ylabel=title)
        axes.set_xlim(0.5, history["epoch"].to_numpy().max() + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        # Below the axes: curves of many models leave no place without a line.
        axes.figure.legend(labelcolor=INK, loc="outside lower center", ncols=columns)
    return canvas.svg


SECTION = Section(title="Training", order=700, content=content)
