"""Section of test cycles to look at and to listen to: errors, doubtful and clear cases of the first student."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.frontends.clip import cycle_span
from tasks.reporting import media
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section

UNCERTAIN, DEVICES = 4, 6  # most uncertain cycles, and devices of which an error is shown
AUDIO_BYTES = 3_000_000  # of all sounds of a page; the cycles after it have none

Rows = Sequence[int]
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A test cycle with its prediction.

    Attributes:
        cycle: The row of the cycle in the table of test cycles.
        actual: The name of its class.
        predicted: The name of the predicted class.
        probabilities: The predicted probability of each class, by name.
        image: The log-mel features as a PNG in a data URL; time from left to right, frequency upwards.
        span: Start and end of the cycle as fractions of the image's width; the rest is padding.
        audio: The sound of the cycle as an MP3 in a data URL; None where the page has enough of them.
    """

    cycle: dict[str, object]
    actual: str
    predicted: str
    probabilities: dict[str, float]
    image: str
    span: tuple[float, float]
    audio: str | None


def select(
    labels: npt.NDArray[np.int64],
    predicted: npt.NDArray[np.int64],
    probabilities: Probabilities,
    devices: Sequence[str],
) -> Iterator[tuple[str, Rows]]:
    """Yield headings and row numbers of cycles; each cycle is shown once.

    Args:
        labels: The class of each cycle ``(cycles,)``.
        predicted: The predicted class of each cycle ``(cycles,)``.
        probabilities: The probabilities ``(cycles, classes)``.
        devices: The device of each cycle.
    """
    confidence, shown = probabilities[np.arange(len(labels)), predicted], set[int]()
    margin = -np.diff(np.sort(probabilities, axis=1)[:, -2:], axis=1)[:, 0]
    classes, wrong = range(probabilities.shape[1]), labels != predicted
    names = sorted(set(devices), key=lambda name: (-devices.count(name), name))[:DEVICES]
    of_device = [np.array([one == name for one in devices]) for name in names]

    def first(masks: Sequence[npt.NDArray[np.bool_]], by: npt.NDArray[np.float32], most: int = 1) -> Rows:
        rows = []
        for mask in masks:
            found = [int(row) for row in np.argsort(-by, kind="stable") if mask[row] and int(row) not in shown][:most]
            rows += found
            shown.update(found)
        return rows

    yield "Most confident errors of each class", first([wrong & (labels == one) for one in classes], confidence, 2)
    yield "Most uncertain", first([np.ones(len(labels), bool)], margin, UNCERTAIN)
    yield "Most confident error of each device", first([wrong & mask for mask in of_device], confidence)
    yield (
        "Most confident right predictions of each class",
        first([~wrong & (labels == one) for one in classes], confidence),
    )


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    classes, name = run.metrics["classes"], run.first_student
    own = run.predictions.filter((pl.col("model") == name) & (pl.col("selection") == "val")).sort("cycle_id")
    probabilities = own.select(f"p_{one}" for one in classes).to_numpy()
    labels, predicted = (own[column].to_numpy().astype(np.int64) for column in ("label", "predicted"))
    devices = run.cycles["device"].to_list() if "device" in run.cycles.columns else [""] * len(labels)
    groups = [(title, rows) for title, rows in select(labels, predicted, probabilities, devices) if rows]
    sounds = _sounds(run, [row for _, rows in groups for row in rows])
    features = run.features(name)
    clips = features.clip_settings

    def example(row: int) -> Example:
        cycle = run.cycles.row(row, named=True)
        return Example(
            cycle=cycle,
            actual=classes[labels[row]],
            predicted=classes[predicted[row]],
            probabilities={name: float(probabilities[row, at]) for at, name in enumerate(classes)},
            image=media.spectrogram(features.read(features.find([cycle["cycle_id"]]))[0].astype(np.float32)),
            span=cycle_span(min(1.0, cycle["duration_s"] / clips["duration_s"]), clips["pad"]),
            audio=sounds.get(row),
        )

    return {"groups": [(title, [example(row) for row in rows]) for title, rows in groups], "student": name}


def _sounds(run: RunResults, rows: Rows) -> dict[int, str]:
    """Return the sounds of rows of the test cycles, up to `AUDIO_BYTES`."""
    ids = run.cycles["cycle_id"].to_list()
    samples, sounds, size = run.waveforms([ids[row] for row in rows]), dict[int, str](), 0
    for row in rows:
        if ids[row] in samples and size < AUDIO_BYTES:
            sounds[row] = media.audio(*samples[ids[row]])
            size += len(sounds[row])
    return sounds


SECTION = Section(title="Cycles to look at", order=600, content=content)
