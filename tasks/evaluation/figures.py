"""Figures of the report, drawn from the numbers in its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tasks.evaluation.domains import Domain
from tasks.evaluation.svg import INK, MUTED, PALETTE, drawing

STRICT, LENIENT = PALETTE[0], PALETTE[1]
CHANCE = 50.0  # the Score of a model that predicts the same class for every cycle
DASHED: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (4, 3))}


def scores(rows: Sequence[tuple[str, Mapping[str, Any]]], label: str) -> str:
    """Return both Scores of each row with their intervals, one row below the other.

    Args:
        rows: Pairs of a name and its figures with `low` and `high`, as `tasks.evaluation.summary` makes them.
        label: The text alternative of the figure.
    """
    with drawing(10.2, 0.62 + 0.34 * len(rows), label) as canvas:
        axes = canvas.axes
        axes.axvline(CHANCE, **DASHED)
        for row, (_, found) in enumerate(rows):
            for name, colour, shift, face in (
                ("score_strict", STRICT, -0.14, STRICT),
                ("score_lenient", LENIENT, 0.14, "none"),
            ):
                value, low, high = found[name], found["low"][name], found["high"][name]
                if low is not None and high is not None:
                    axes.plot([low, high], [row + shift] * 2, color=colour, linewidth=2.2, solid_capstyle="round")
                if value is not None:
                    axes.plot(value, row + shift, "o", color=colour, markerfacecolor=face, markersize=6.5)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows], color=INK)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 100)
        axes.set_xlabel("Score in percent · filled: strict · open: lenient · dashed: chance")
        axes.grid(visible=False, axis="y")
    return canvas.svg


def curve(table: pl.DataFrame, model: str, classes: Sequence[str], notes: Mapping[str, str], label: str) -> str:
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
                axes.plot(part[x], part[y], color=PALETTE[index], label=f"{name} {notes[name]}")
        _unit_square(axes, x.replace("_", " "), y.replace("_", " "))
        if axes.lines[is_roc:]:  # no class may be in the test
            axes.legend(loc="lower right" if is_roc else "upper right", labelcolor=INK)
    return canvas.svg


def reliability(bins: Sequence[Mapping[str, Any]], label: str) -> str:
    """Return accuracy over confidence, with a disc for each bin; its area grows with the number of cycles."""
    most = max(part["n"] for part in bins)
    with drawing(4.6, 4.3, label) as canvas:
        axes = canvas.axes
        axes.plot([0, 1], [0, 1], **DASHED)
        confidence, accuracy = [part["confidence"] for part in bins], [part["accuracy"] for part in bins]
        axes.plot(confidence, accuracy, color=PALETTE[0], linewidth=1.2)
        axes.scatter(confidence, accuracy, s=[12 + 200 * part["n"] / most for part in bins], color=PALETTE[0])
        _unit_square(axes, "confidence (probability of the predicted class)", "accuracy")
    return canvas.svg


def training(history: pl.DataFrame, column: str, title: str, label: str) -> str:
    """Return one column of the training histories over the epochs, with a line for each model.

    Args:
        history: The histories (`tasks.evaluation.curves.training_table`).
        column: The column to draw.
        title: The title of the vertical axis.
        label: The text alternative of the figure.
    """
    models = history["model"].unique(maintain_order=True).to_list()
    with drawing(4.6, 3.9, label) as canvas:
        axes = canvas.axes
        for index, model in enumerate(models):
            part = history.filter(pl.col("model") == model).drop_nulls(column)
            student = model.startswith("student/")
            axes.plot(
                part["epoch"],
                part[column],
                color=PALETTE[index % len(PALETTE)],
                linewidth=2.2 if student else 1.2,
                linestyle="-" if student else (0, (5, 2)),
                marker="o" if part.height == 1 else None,
                label=model,
            )
        axes.set(xlabel="epoch", ylabel=title)
        axes.set_xlim(0.5, history["epoch"].to_numpy().max() + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(labelcolor=INK, ncols=2 if len(models) > 4 else 1)
    return canvas.svg


def over_k(table: pl.DataFrame, label: str) -> str:
    """Return both Scores of teacher ensembles over the number of teachers k, with their intervals as bands."""
    with drawing(10.2, 3.9, label) as canvas:
        axes = canvas.axes
        axes.axhline(CHANCE, **DASHED)
        for name, colour in (("score_strict", STRICT), ("score_lenient", LENIENT)):
            part = table.filter(pl.col("figure") == name)
            axes.fill_between(part["k"], part["low"], part["high"], color=colour, alpha=0.15, linewidth=0)
            axes.plot(part["k"], part["value"], "o-", color=colour, label=name.removeprefix("score_"))
        axes.set(xlabel="k, teachers that label a cycle", ylabel="Score, %")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(labelcolor=INK)
    return canvas.svg


def spectra(domains: Sequence[Domain], label: str) -> str:
    """Return the mean feature of each domain over the mel bins."""
    with drawing(10.2, 3.9, label) as canvas:
        axes = canvas.axes
        for index, one in enumerate(domains):
            style = "-" if index < len(PALETTE) else (0, (4, 2))
            axes.plot(one.spectrum, color=PALETTE[index % len(PALETTE)], linestyle=style, linewidth=1.4, label=one.name)
        axes.set(xlabel="mel bin, from low to high frequencies", ylabel="mean feature")
        axes.set_xlim(0, len(domains[0].spectrum) - 1)
        axes.legend(labelcolor=INK, ncols=2 if len(domains) > 5 else 1)
    return canvas.svg


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04), xlabel=x, ylabel=y)
