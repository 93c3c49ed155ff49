"""Predictions of a model: segments, recordings and patients, as typed values and as rows of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.prediction.columns import MEASURES, columns, kind
from tasks.prediction.judgement import Decision, Judgement, abnormal_share
from tasks.prediction.stream import Measures

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

CAUTION = "For research only: not a medical device, not a diagnosis."
GAP_S = 0.01  # between abnormal segments of one run


@dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """Model that predicted.

    Attributes:
        label: Name for people, such as ``student@v1.0.0, seed 1``.
        id: Identity of weights and card; None for the folder of a student.
        banner: Warning that every output shows; None for none.
        labels: Label set of the predictions.
        classes: Names of the classes, the normal one first.
        engine: Engine that ran the network.
        threshold: Threshold of the decision rule; None for the most probable class.
    """

    label: str
    id: str | None
    banner: str | None
    labels: str
    classes: tuple[str, ...]
    engine: str
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Prediction for one segment of a recording.

    Attributes:
        start_s: Start in the recording in seconds.
        end_s: End in the recording in seconds.
        cycle_id: Id of the annotated cycle; None for a window.
        judgement: Judgement by the model.
        measures: Measures of the sound that the model heard.
        notes: Differences between the annotation and the segment.
    """

    start_s: float
    end_s: float
    cycle_id: str | None
    judgement: Judgement
    measures: Measures = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def decision(self) -> Decision:
        """Decision: `judged`, `uncertain`, `unlike` or `not_judged`."""
        return self.judgement.decision

    @property
    def predicted(self) -> str | None:
        """Class; None if not judged."""
        return self.judgement.predicted

    @property
    def abnormal(self) -> bool | None:
        """True for an abnormal segment, False for a normal one, None for an open one (`Judgement.abnormal`)."""
        return self.judgement.abnormal

    @property
    def confidence(self) -> float | None:
        """Largest calibrated probability; None if not judged."""
        return self.judgement.confidence

    @property
    def distance(self) -> float | None:
        """Distance from the training cycles; None if it is not known."""
        return self.judgement.distance


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Summary of the segments of a recording or patient.

    Attributes:
        segments: Number of segments.
        decisions: Number of segments by decision.
        predicted: Number of segments by class.
        abnormal: Number of abnormal segments (`Judgement.abnormal`).
        normal: Number of normal segments.
        open: Number of all other segments.
        abnormal_share: Share of abnormal ones among the abnormal and normal segments; None without any.
        longest_abnormal_s: Longest time in seconds of abnormal segments that follow each other.
    """

    segments: int
    decisions: dict[str, int]
    predicted: dict[str, int]
    abnormal: int
    normal: int
    open: int
    abnormal_share: float | None
    longest_abnormal_s: float


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Predictions for one recording.

    Attributes:
        model: Model that predicted.
        recording: Name of the recording.
        file: Path of the file, as it was given; None for an array.
        patient: Patient, if the name or a table tells.
        seconds: Length in seconds.
        sample_rate: Sample rate in Hz.
        channels: Number of channels of the file.
        channel: Channel that was heard, from 0; None for the mean of all.
        measures: Measures of the recording.
        segments: Predictions in the order of the annotation or of time.
        notes: Properties of the file that its user should know.
    """

    model: ModelIdentity
    recording: str
    file: str | None
    patient: str | None
    seconds: float
    sample_rate: int
    channels: int
    channel: int | None
    measures: Measures
    segments: tuple[Segment, ...]
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> Summary:
        """Summary of the segments."""
        return summarise([self])

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the row of each segment, with the columns of `columns`."""
        for one in self.segments:
            judged = one.judgement
            probabilities = judged.probabilities or (None,) * len(self.model.classes)
            yield {
                "model": self.model.label,
                "model_id": self.model.id,
                "recording": self.recording,
                "file": self.file,
                "patient": self.patient,
                "cycle_id": one.cycle_id,
                "start_s": one.start_s,
                "end_s": one.end_s,
                "decision": judged.decision,
                "predicted": judged.predicted,
                "classes": "|".join(judged.classes) or None,
                **{f"p_{name}": p for name, p in zip(self.model.classes, probabilities, strict=True)},
                "confidence": judged.confidence,
                "distance": judged.distance,
                "sample_rate": self.sample_rate,
                **{column: one.measures.get(name) for column, name in MEASURES.items()},
                "note": "; ".join(self.segment_notes(one)) or None,
                "banner": self.model.banner,
            }

    def segment_notes(self, one: Segment) -> tuple[str, ...]:
        """Return the reasons of a segment's decision, and the notes on it and on the file."""
        reasons = "; ".join(one.judgement.reasons)
        if reasons and one.decision == "not_judged":
            reasons = f"not judged: {reasons}"
        return tuple(filter(None, (reasons, *one.notes, *self.notes)))

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a table of pandas."""
        import pandas as pd

        return pd.DataFrame(list(self.rows()), columns=columns(self.model.classes))

    def to_polars(self) -> pl.DataFrame:
        """Return the rows as a table of polars."""
        import polars as pl

        kinds = {"text": pl.String, "count": pl.Int64, "probability": pl.Float32, "number": pl.Float64}
        return pl.DataFrame(list(self.rows()), {name: kinds[kind(name)] for name in columns(self.model.classes)})


def summarise(predictions: Iterable[Prediction]) -> Summary:
    """Return the summary of the recordings of one model, such as those of a patient."""
    found = list(predictions)
    segments = [one for prediction in found for one in prediction.segments]
    counts = Counter(one.abnormal for one in segments)
    return Summary(
        segments=len(segments),
        decisions=dict(sorted(Counter(one.decision for one in segments).items())),
        predicted=dict(sorted(Counter(one.predicted for one in segments if one.predicted is not None).items())),
        abnormal=counts[True],
        normal=counts[False],
        open=counts[None],
        abnormal_share=abnormal_share(one.abnormal for one in segments),
        longest_abnormal_s=max(longest_abnormal_s(prediction.segments) for prediction in found),
    )


def longest_abnormal_s(segments: Iterable[Segment]) -> float:
    """Return the longest time in seconds that abnormal segments cover without a gap or another segment.

    Args:
        segments: Segments of one recording.
    """
    longest, start, end = 0.0, 0.0, -1.0
    for one in sorted(segments, key=lambda one: one.start_s):
        if not one.abnormal:
            end = -1.0
            continue
        if end < 0 or one.start_s > end + GAP_S:
            start = one.start_s
        end = max(end, one.end_s)
        longest = max(longest, end - start)
    return longest


def summary_rows(predictions: Sequence[Prediction]) -> Iterator[dict[str, Any]]:
    """Yield a row for each recording, and one for each patient with several recordings.

    Args:
        predictions: Predictions of one model.
    """
    for prediction in predictions:
        yield {
            **_summary_row("recording", [prediction]),
            "recording": prediction.recording,
            "file": prediction.file,
            "seconds": prediction.seconds,
            "sample_rate": prediction.sample_rate,
            "channels": prediction.channels,
            "channel": "mean" if prediction.channel is None else str(prediction.channel),
            **{column: prediction.measures.get(name) for column, name in MEASURES.items()},
            "note": "; ".join(prediction.notes) or None,
            "banner": prediction.model.banner,
        }
    for some in by_patient(predictions).values():
        yield {
            **_summary_row("patient", some),
            **dict.fromkeys(("recording", "file")),
            "seconds": sum(prediction.seconds for prediction in some),
            **dict.fromkeys(("sample_rate", "channels", "channel", *MEASURES, "note")),
            "banner": some[0].model.banner,
        }


def by_patient(predictions: Iterable[Prediction]) -> dict[str, list[Prediction]]:
    """Return the predictions of each known patient."""
    found: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        if prediction.patient is not None:
            found.setdefault(prediction.patient, []).append(prediction)
    return found


def _summary_row(level: str, predictions: Sequence[Prediction]) -> dict[str, Any]:
    found, model = summarise(predictions), predictions[0].model
    return {
        "level": level,
        "model": model.label,
        "model_id": model.id,
        "patient": predictions[0].patient,
        "recordings": len(predictions),
        "segments": found.segments,
        **{name: found.decisions.get(name, 0) for name in ("judged", "uncertain", "unlike", "not_judged")},
        **{f"n_{name}": found.predicted.get(name, 0) for name in model.classes},
        "open": found.open,
        "abnormal_share": found.abnormal_share,
        "longest_abnormal_s": found.longest_abnormal_s,
    }
