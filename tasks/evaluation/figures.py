"""Figures as SVG text: the same numbers give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import polars as pl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#3b6fb6", "#d1495b", "#e09f3e", "#5c946e", "#7a5195", "#4d4d4d")
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "breathline",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.prop_cycle": cycler(color=COLOURS),
    "legend.frameon": False,
}


def draw(width: float, height: float, paint: Callable[[Axes], None]) -> str:
    """Return what ``paint`` draws on axes of a size in inches, as an SVG element."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.subplots()
        axes.patch.set_alpha(0)
        paint(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def confusion(pairs: pl.DataFrame, classes: Sequence[str]) -> str:
    """Return the confusion matrix: counts, coloured by the share of the row."""
    counts = np.array(
        [[pairs.filter(label=true, predicted=said).height for said in classes] for true in classes], dtype=float
    )
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)

    def paint(axes: Axes) -> None:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(visible=False)
        for (row, column), share in np.ndenumerate(shares):
            text = f"{counts[row, column]:.0f}\n{share:.0%}"
            axes.text(column, row, text, ha="center", va="center", color="white" if share > 0.55 else "#1d1d1f")
        axes.set_xticks(range(len(classes)), classes)
        axes.set_yticks(range(len(classes)), classes)
        axes.set_xlabel("predicted")
        axes.set_ylabel("annotated")

    return draw(4.6, 4.2, paint)


def lines(curves: pl.DataFrame, *, x: str, y: str, by: str, diagonal: bool = False) -> str:
    """Return one line per value of a column, in the order in which they come."""

    def paint(axes: Axes) -> None:
        if diagonal:
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle="--")
        for value in curves[by].unique(maintain_order=True):
            part = curves.filter(pl.col(by) == value)
            axes.plot(part[x], part[y], label=str(value), linewidth=1.6)
        axes.set_xlabel(x.replace("_", " "))
        axes.set_ylabel(y.replace("_", " "))
        axes.legend(fontsize=8)

    return draw(4.6, 3.6, paint)


def reliability(parts: Sequence[Mapping[str, float]]) -> str:
    """Return accuracy over confidence; the area of a point is its share of the cycles."""

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle="--")
        axes.plot([part["confidence"] for part in parts], [part["accuracy"] for part in parts], linewidth=1)
        sizes = [600 * part["share"] for part in parts]
        axes.scatter([p["confidence"] for p in parts], [p["accuracy"] for p in parts], s=sizes, alpha=0.6)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy")

    return draw(4.6, 3.6, paint)


def groups(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return bars of the strict and lenient Score of each group that has both kinds of cycles."""
    shown = {name: value for name, value in figures.items() if value["score_strict"] is not None}

    def paint(axes: Axes) -> None:
        at = np.arange(len(shown))
        axes.barh(at + 0.2, [value["score_lenient"] for value in shown.values()], 0.38, label="lenient", alpha=0.55)
        axes.barh(at - 0.2, [value["score_strict"] for value in shown.values()], 0.38, label="strict")
        axes.axvline(50, color="#999999", linewidth=0.8, linestyle="--")
        axes.set_yticks(at, [f"{name} ({value['cycles']:.0f})" for name, value in shown.items()])
        axes.set(xlim=(0, 100), xlabel="Score")
        axes.invert_yaxis()
        axes.legend(fontsize=8)

    return draw(4.6, 0.9 + 0.45 * max(len(shown), 1), paint)


def spectrogram(features: npt.NDArray[np.float16]) -> str:
    """Return the features ``(frames, mels)`` of one cycle as a small image, low frequencies below."""

    def paint(axes: Axes) -> None:
        axes.imshow(features[::4, ::2].T.astype(np.float32), origin="lower", aspect="auto", cmap="magma")
        axes.set_axis_off()

    return draw(2.4, 1.1, paint)
