"""Section of the maps: what the models look at in the spectrogram, and tests of whether the maps mean anything."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from tasks import artifacts
from tasks.evaluation.words import figure
from tasks.reporting import spectrograms
from tasks.reporting.run_results import RunResults, mel
from tasks.reporting.section import Block, Picture, Section, Table, Text
from tasks.reporting.svg import MUTED, PALETTE, drawing, side_by_side
from tasks.runtime.artifact_reading import read_table

SHOWN = 3  # cycles of a model whose maps are drawn
METHODS = {
    "gradient_attention": "attention × gradient",
    "attention_rollout": "attention rollout",
    "layer_cam": "Layer-CAM",
    "integrated_gradients": "integrated gradients",
}
BASELINES = {"random": "random order", "energy": "loudest first"}
FIGURES = {
    "deletion_minus_random": "deletion, less that of a random order",
    "deletion_minus_energy": "deletion, less that of the loudest first",
    "insertion_minus_random": "insertion, less that of a random order",
    "insertion_minus_energy": "insertion, less that of the loudest first",
    "outside": "share of the weight on repeated sound or padding",
    "outside_frames": "share of the clip that is repeated sound or padding",
    "correlation_with_untrained": "rank correlation with an untrained network",
}
READING = (
    "A map marks where the score of the most probable class depends on the spectrogram. A convincing map can mean "
    "nothing, so each is tested. Deletion: parts of the spectrogram are replaced by the mean training sound, the most "
    "marked first; the probability of the class should fall sooner than in a random order. Insertion is the reverse. "
    "Correlation with an untrained network: near 0 is good; near 1 means that the map shows the spectrogram, not what "
    "was learned. Weight on the repeated part of a short cycle: about its share of the clip, or less."
)


def content(run: RunResults) -> Sequence[Block]:
    """Return the blocks of the section; none if no maps were drawn."""
    models: Mapping[str, Any] = run.explanation.get("maps", {}).get("models", {})
    if not models:
        return []
    table = pl.DataFrame(read_table(run.root / artifacts.MAPS))
    return [Text(READING, muted=True), *(block for model in models for block in _of_model(run, model, table))]


def _of_model(run: RunResults, model: str, table: pl.DataFrame) -> Iterator[Block]:
    """Yield the table of tests, the curves, and the maps of a few cycles of a model."""
    found = run.explanation["maps"]["models"][model]
    methods = {method: found["methods"][method] for method in METHODS if method in found["methods"]}
    rows = [
        [title, *(_with_interval(figures[name]) for figures in methods.values())] for name, title in FIGURES.items()
    ]
    caption = (
        f"Means over patients with {run.confidence} % intervals. Deletion and insertion are "
        "areas under the curves: a good map has a deletion below 0 and an insertion above 0."
    )
    gap = methods.get("integrated_gradients", {}).get("completeness_gap")
    if gap is not None:
        caption += (
            f" Integrated gradients should add up to the change of the score; the median error is {gap:.1%} of it."
        )
    columns = ["", *(METHODS[method] for method in methods)]
    yield Table(columns, rows, title=f"{model}: tests of its maps", caption=caption)
    drawn = [curves(found["orders"], kind, f"{kind} curves of {model}") for kind in ("deletion", "insertion")]
    yield Picture(
        side_by_side(drawn),
        title=f"{model}: deletion and insertion",
        caption="Mean probability of the most probable class over the replaced (left) or shown (right) part.",
    )
    own = table.filter((pl.col("model") == model) & pl.col("method").is_in(list(methods)))
    for cycle in _chosen(run, own):
        yield _pictures(run, model, own.filter(pl.col("cycle_id") == cycle))


def _with_interval(found: Mapping[str, float | None]) -> str:
    """Return a mean with its interval as text."""
    mean, low, high = (figure(found[key], 2) for key in ("mean", "low", "high"))
    text = mean if found["low"] is None else f"{mean} ({low} to {high})"
    return text.replace("-0.00", "0.00").replace("-", "−")


def curves(orders: Mapping[str, Any], kind: str, label: str) -> str:
    """Return the curves of each order over the replaced part of the spectrogram.

    Args:
        orders: Curves by method, and of the orders to compare with.
        kind: ``deletion`` or ``insertion``.
        label: Text alternative.
    """
    with drawing(4.6, 3.6, label) as canvas:
        axes = canvas.axes
        for name, colour in zip(METHODS, PALETTE, strict=False):
            if name in orders:
                _line(axes, orders[name][kind]["curve"], METHODS[name], color=colour)
        for name, dashes in zip(BASELINES, ((4, 3), (1, 2)), strict=True):
            _line(axes, orders[name][kind]["curve"], BASELINES[name], color=MUTED, linestyle=(0, dashes))
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=f"{kind}: part of the spectrogram", ylabel="probability")
        axes.legend()
    return canvas.svg


def _line(axes: Any, curve: Sequence[float], label: str, **style: Any) -> None:
    axes.plot(np.linspace(0, 1, len(curve)), curve, label=label, **style)


def _chosen(run: RunResults, own: pl.DataFrame) -> list[str]:
    """Return a cycle of each class with all its maps, abnormal classes first."""
    number = own["method"].n_unique()
    whole = own.group_by("cycle_id").len().filter(pl.col("len") == number).select("cycle_id")
    labelled = whole.join(run.cycles.select("cycle_id", "label"), on="cycle_id").sort("cycle_id")
    firsts = labelled.group_by("label", maintain_order=True).first().with_columns(normal=pl.col("label") == 0)
    return firsts.sort("normal", "label")["cycle_id"].to_list()[:SHOWN]


def _pictures(run: RunResults, model: str, maps: pl.DataFrame) -> Picture:
    """Return the spectrogram of a cycle with the map of each method."""
    cycle = run.cycles.row(by_predicate=pl.col("cycle_id") == maps["cycle_id"][0], named=True)
    features = mel(run.features(model), cycle["cycle_id"])
    parts = []
    for method in [name for name in METHODS if name in maps["method"]]:
        row = maps.row(by_predicate=pl.col("method") == method, named=True)
        label = f"{METHODS[method]} of {cycle['cycle_id']} by {model}"
        parts.append(spectrograms.with_map(features, spectrograms.Map.from_row(row), METHODS[method], label))
    actual, target = run.metrics["classes"][cycle["label"]], maps["target"][0]
    return Picture(
        side_by_side(parts),
        title=f"{model}: {cycle['cycle_id']}",
        caption=f"True class: {actual}. Maps of the most probable class: {target}. "
        f"Cycle of {cycle['duration_s']:.1f} s.",
    )


SECTION = Section(title="What the models look at", order=650, content=content)
