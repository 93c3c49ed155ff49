"""Section of test cycles to look at and to listen to: errors, doubtful and clear cases of the first student."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from models.frontends.clip import cycle_span
from models.training.feature_cache import FeatureCache
from tasks import artifacts
from tasks.evaluation import notable_cycles
from tasks.reporting import media
from tasks.reporting.run_results import RunResults, mel
from tasks.reporting.section import Section
from tasks.reporting.sections.maps import METHODS
from tasks.reporting.spectrograms import Map
from tasks.runtime.artifact_reading import as_artifact_error, read_table

AUDIO_BYTES = 3_000_000  # of all sounds of a page; the cycles after it have none


class Marks(NamedTuple):
    """The map of a cycle.

    Attributes:
        image: The map as a PNG in a data URL.
        width: Its width in widths of the spectrogram, beyond which a last cell of fewer frames extends.
        target: The class that it explains.
    """

    image: str
    width: float
    target: str


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
        trace: Command that shows the origin of the cycle.
        marks: The map of the model; None if no maps were drawn.
    """

    cycle: dict[str, object]
    actual: str
    predicted: str
    probabilities: dict[str, float]
    image: str
    span: tuple[float, float]
    audio: str | None
    trace: str
    marks: Marks | None


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template."""
    classes, name = run.metrics["classes"], run.first_student
    own, groups = notable_cycles.choose(run.predictions, run.cycles, name)
    probabilities, marks = notable_cycles.probabilities(own), _marks(run, name)
    features = run.features(name)
    clips = features.clip_settings
    sounds = _sounds(run, [row for _, rows in groups for row in rows], rate(features), clips["duration_s"])

    def example(row: int) -> Example:
        cycle = run.cycles.row(row, named=True)
        return Example(
            cycle=cycle,
            actual=classes[own["label"][row]],
            predicted=classes[own["predicted"][row]],
            probabilities={name: float(probabilities[row, at]) for at, name in enumerate(classes)},
            image=media.spectrogram(mel(features, cycle["cycle_id"])),
            span=cycle_span(min(1.0, cycle["duration_s"] / clips["duration_s"]), clips["pad"]),
            audio=sounds.get(row),
            trace=f"breathline audit trace {shlex.quote(cycle['cycle_id'])}",
            marks=marks.get(cycle["cycle_id"]),
        )

    shown = [(title, [example(row) for row in rows]) for title, rows in groups]
    return {"groups": shown, "student": name, "marked": bool(marks), "normalized": "normalization" in run.cards[name]}


def _marks(run: RunResults, model: str) -> dict[str, Marks]:
    """Return the maps of a model by the method with most of them; of equal ones, the first of `METHODS`."""
    maps = pl.DataFrame(read_table(run.root / artifacts.MAPS)).filter(pl.col("model") == model)
    if maps.is_empty():
        return {}
    number = dict(maps["method"].value_counts().iter_rows())
    method = max(METHODS, key=lambda name: number.get(name, 0))
    return {
        row["cycle_id"]: Marks(media.marks(found.values), found.extent[1] / found.end, row["target"])
        for row in maps.filter(pl.col("method") == method).iter_rows(named=True)
        for found in [Map.from_row(row)]
    }


@as_artifact_error()
def rate(features: FeatureCache) -> int:
    """Return the sample rate in Hz of the waveforms behind features."""
    return features.sample_rate


def _sounds(run: RunResults, rows: Sequence[int], rate: int, longest_s: float) -> dict[int, str]:
    """Return the sounds of rows of the test cycles, at most `AUDIO_BYTES` together, each as long as the network's clip.

    Args:
        run: The results.
        rows: Numbers of the cycles.
        rate: Sample rate of the waveforms in Hz.
        longest_s: Length of a clip in seconds.
    """
    ids = run.cycles["cycle_id"].to_list()
    samples, sounds, size = run.waveforms([ids[row] for row in rows], rate), dict[int, str](), 0
    for row in rows:
        sound = media.audio(samples[ids[row]][: round(rate * longest_s)], rate)
        if size + len(sound) <= AUDIO_BYTES:
            sounds[row] = sound
            size += len(sound)
    return sounds


SECTION = Section(title="Cycles to look at", order=600, content=content)
