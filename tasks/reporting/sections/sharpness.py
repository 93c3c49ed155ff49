"""Section of the sharpness: how fast the loss grows around the trained weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import Locator, LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from tasks.evaluation.words import MISSING
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Block, Picture, Section, Table, Text
from tasks.reporting.svg import INK, PALETTE, drawing, line_of, side_by_side

Samples = npt.NDArray[np.float64]
READING = (
    "Sharpness-aware training (SAM) looks for weights around which the loss stays low. The eigenvalue is the largest "
    "curvature of the loss on {cycles} training cycles, without augmentation: smaller is flatter. The loss is the "
    "cross-entropy with their labels, also for a network that learned from soft labels. The curves show it along "
    "random directions, whose filters have the norms of the network's own filters. Compare only networks of one "
    "architecture. A flat training loss need not mean fewer errors on new patients."
)
LOSS = StrMethodFormatter("{x:.12g}")  # with {x:g}, 1.386405 and 1.38641 would both be 1.38641
LEVELS = 9  # lines of equal loss on a plane
EDGE, APART = 0.08, 0.16  # least distances of a label from the frame and from another label, as parts of the width
CAPTION = (
    "The residual is 0 for an exact eigenvalue. Above 0.1 the eigenvalue is a rough one: raise "
    "explanation.sharpness.iterations."
)


def content(run: RunResults) -> Sequence[Block]:
    """Return the blocks of the section; none if no sharpness was measured."""
    found: Mapping[str, Any] = run.explanation.get("sharpness", {})
    models: Mapping[str, Any] = found.get("models", {})
    if not models:
        return []
    rows = [
        [
            name,
            run.cards[name]["architecture"],
            one["optimizer"],
            _number(one["loss"]),
            _number(one["eigenvalue"]),
            _number(one["residual"]),
            str(one["products"]),
        ]
        for name, one in models.items()
    ]
    columns = ("model", "network", "optimizer", "loss", "largest eigenvalue", "residual", "iterations")
    planes = [plane(one["plane"], name) for name, one in models.items()]
    return [
        Text(READING.format(cycles=found["cycles"]), muted=True),
        Table(columns, rows, caption=CAPTION),
        Picture(line(models), title="Loss along a random direction"),
        Picture(side_by_side(planes), title="Loss on a plane of two random directions"),
    ]


def _number(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3g}".replace("-", "−")


def line(models: Mapping[str, Any]) -> str:
    """Return the loss of each model along its first direction."""
    with drawing(4.6, 3.6, "loss along a random direction") as canvas:
        axes = canvas.axes
        for index, (name, found) in enumerate(models.items()):
            axes.plot(found["line"]["offsets"], _floats(found["line"]["losses"]), **line_of(index, name))
        axes.set(xlabel="distance, in norms of the filters", ylabel="loss", yscale="log")
        axes.yaxis.set_major_locator(loss_ticks(*axes.get_ylim()))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(LOSS)
        axes.legend()
    return canvas.svg


def loss_ticks(low: float, high: float) -> Locator:
    """Return about five to ten ticks of a logarithmic axis, whose numbers do not cover each other."""
    if high < 5 * low:
        return MaxNLocator(5)
    return LogLocator(subs=(1, 2, 5)) if high < 1000 * low else LogLocator()


def plane(found: Mapping[str, Any], model: str) -> str:
    """Return lines of equal loss around the trained weights of a model; there are none where the loss is constant."""
    offsets, losses = found["offsets"], np.array([_floats(row) for row in found["losses"]])
    known = losses[np.isfinite(losses)]
    with drawing(4.0, 3.8, f"loss around {model}") as canvas:
        axes = canvas.axes
        if known.size and known.max() > known.min():
            levels = np.unique(np.geomspace(max(known.min(), 1e-6), max(known.max(), 2e-6), LEVELS))
            lines = axes.contour(offsets, offsets, losses.T, levels=levels, colors=[PALETTE[0]], linewidths=1)
            places = label_places(lines.allsegs, (offsets[0], offsets[-1]))
            axes.clabel(lines, fmt=level_texts(levels.tolist()), fontsize=8, colors=[INK], manual=places)
        axes.plot(0, 0, "+", color=INK)
        axes.set(xlabel="first direction", ylabel="second direction", aspect="equal", title=model)
    return canvas.svg


def label_places(lines: Sequence[Sequence[Samples]], limits: tuple[float, float]) -> list[tuple[float, float]]:
    """Return a point of each line of equal loss for its label, away from the frame, the centre and other labels.

    A line without such a point has no label.

    Args:
        lines: Points ``(points, 2)`` of the parts of each line.
        limits: First and last offset of the square plane.
    """
    low, high = limits
    width, chosen = high - low, [np.zeros(2)]
    for parts in lines:
        points = np.concatenate([np.empty((0, 2)), *map(_dense, parts)])
        inner = points[((points > low + EDGE * width) & (points < high - EDGE * width)).all(axis=1)]
        room = [min(float(np.hypot(*(one - other))) for other in chosen) for one in inner]
        if room and max(room) >= APART * width:
            chosen.append(inner[int(np.argmax(room))])
    return [(float(x), float(y)) for x, y in chosen[1:]]


def _dense(line: Samples) -> Samples:
    """Return the points of a line with the middles between them."""
    return np.concatenate([line, (line[1:] + line[:-1]) / 2])


def level_texts(levels: Sequence[float]) -> dict[float, str]:
    """Return the label of each level with as few digits as tell all of them apart, at least two."""
    for digits in range(2, 18):
        texts = {level: f"{level:.{digits}g}" for level in levels}
        if len(set(texts.values())) == len(texts):
            break
    return texts


def _floats(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


SECTION = Section(title="Sharpness", order=680, content=content)
