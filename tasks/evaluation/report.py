"""The report: one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.evaluation import figures
from tasks.evaluation.calibration import reliability

TEMPLATE = Path(__file__).with_name("report.html.j2")
EXAMPLES = 4  # right ones, and wrong ones

# What was published on the complete official split; definition and selection as found in the code.
PUBLISHED = (
    ("AST, fine-tuned", "strict", "paper", "59.55 ± 0.88"),
    ("Patch-Mix CL (Bae et al., 2023)", "strict", "paper", "62.37 ± 0.61"),
    ("BTS-d, 15 teachers (Toikkanen & Kim, 2025)", "strict", "paper", "64.39 ± 0.42"),
    ("Patch-Mix CL (Bae et al., 2023)", "lenient", "paper", "68.71"),
    ("SAM + AST (2025)", "lenient", "paper", "68.10"),
)


@dataclass(frozen=True)
class Example:
    """A test cycle with its features ``(frames, mels)`` and what the student said."""

    cycle_id: str
    label: str
    predicted: str
    probabilities: Mapping[str, float]
    features: npt.NDArray[np.float16]


def banner(corpus: str, recordings: int) -> str:
    """Return what a reader must know of the corpus before any number."""
    if corpus == "demo":
        return "Generated demo corpus: these figures show that the pipeline works. They say nothing about real lungs."
    if corpus == "icbhi-part":
        return f"A part of ICBHI 2017 ({recordings} of 920 recordings): not comparable with any published Score."
    return "The complete ICBHI 2017 database."


def choose_examples(predictions: pl.DataFrame, selection: str) -> pl.DataFrame:
    """Return test cycles that the first student is surest of: right ones of each class, then wrong ones."""
    first = predictions.filter(pl.col("model").str.starts_with("student/") & (pl.col("selection") == selection))
    first = first.filter(pl.col("model") == first["model"].min())
    sure = first.with_columns(pl.max_horizontal(pl.selectors.starts_with("p_")).alias("sure"))
    ordered = sure.sort(["sure", "cycle_id"], descending=[True, False])
    right = ordered.filter(pl.col("label") == pl.col("predicted")).unique("label", keep="first", maintain_order=True)
    wrong = ordered.filter(pl.col("label") != pl.col("predicted")).unique("label", keep="first", maintain_order=True)
    return pl.concat([right.sort("label").head(EXAMPLES), wrong.sort("label").head(EXAMPLES)])


def render(
    metrics: Mapping[str, Any],
    predictions: pl.DataFrame,
    curves: Mapping[str, pl.DataFrame],
    *,
    classes: Sequence[str],
    examples: Sequence[Example],
    bins: int,
) -> str:
    """Return the page.

    Args:
        metrics: As in reports/metrics.json.
        predictions: As in predictions.parquet.
        curves: `confusion`, `roc`, `precision_recall` and `training` (see `tasks.evaluation.curves`).
        classes: Names of the classes.
        examples: Cycles to show.
        bins: For the reliability diagram.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["figure"] = _figure
    students = predictions.filter(pl.col("model").str.starts_with("student/") & (pl.col("selection") == "val"))
    probabilities = students.select(f"p_{name}" for name in classes).to_numpy()
    history = curves["training"]
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        metrics=metrics,
        classes=classes,
        banner=banner(metrics["corpus"], metrics["recordings"]),
        published=PUBLISHED if metrics["corpus"] == "icbhi" and metrics["split"] == "official" else (),
        confusion=figures.confusion(curves["confusion"], classes),
        roc=figures.lines(curves["roc"], x="false_positive_rate", y="true_positive_rate", by="class", diagonal=True),
        precision_recall=figures.lines(curves["precision_recall"], x="recall", y="precision", by="class"),
        training_loss=figures.lines(history, x="epoch", y="train_loss", by="model"),
        training_score=figures.lines(history, x="epoch", y="val_score_strict", by="model"),
        reliability=figures.reliability(
            reliability(probabilities, students["label"].to_numpy().astype(np.int64), bins)
        ),
        groups={
            name.replace("_", " "): figures.groups(values)
            for name, values in metrics["student"]["val"]["groups"].items()
        },
        examples=[(example, figures.spectrogram(example.features)) for example in examples],
    )


def _figure(value: float | None, digits: int = 1) -> str:
    """Return a figure as text; an en dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
