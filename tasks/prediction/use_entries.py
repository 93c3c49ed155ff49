"""Entries of a log of use: one for each recording that a model was asked about.

An entry holds what came out, when, by which model and for whom. A recording is named by the SHA-256 of its file; the
name of the file is left out unless it is asked for, since names often hold those of patients. docs/how-to/use.md
describes the columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from tasks.prediction.judgement import abnormal_share, unusable
from tasks.runtime import users

if TYPE_CHECKING:
    from tasks.prediction.results import ModelIdentity, Prediction

FORMAT = 1
SAMPLE = 16  # segments of a recording whose confidence and distance are logged
NOT_JUDGED = "not_judged"  # decision on a segment without a class


class Segment(Protocol):
    """Outcome of one segment, as `tasks.prediction` gives it."""

    @property
    def decision(self) -> str:
        """Return `judged`, `uncertain`, `unlike` or `not_judged`."""

    @property
    def predicted(self) -> str | None:
        """Return the class; None for a segment that is not judged."""

    @property
    def abnormal(self) -> bool | None:
        """Return whether the segment is abnormal; None if it is open."""

    @property
    def confidence(self) -> float | None:
        """Return the largest probability, 0 to 1; None for a segment that is not judged."""

    @property
    def distance(self) -> float | None:
        """Return the distance from the training embeddings; None for a model without it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Entry of the log of use: one prediction of a model for a recording.

    Attributes:
        format: Version of these columns.
        time: Time of the prediction in UTC (ISO 8601).
        file_sha256: SHA-256 of the file, or of the samples of an array.
        file_name: Name of the file, if names are logged.
        seconds: Length of the recording; None if it was not read.
        sample_rate: Sample rate of the file in Hz.
        level_dbfs: Level of the recording in dB of full scale; None for a constant.
        centroid_hz: Spectral centroid of the recording in Hz; None for a constant.
        device: Device of the recording, if it is known.
        model: Name of the model for people.
        model_id: Id of the model, from its card; None for a model without one.
        segments: Number of segments.
        abnormal_share: Share of abnormal ones among the abnormal and normal segments, 0 to 1; None without any.
        decisions: Number of segments by decision.
        predicted: Number of segments by class.
        confidence: Confidence of at most 16 segments with a class, evenly spaced.
        distance: Distance of the same segments from the training embeddings; empty if the model has none.
        user: Name of the user, or of the client of a server.
    """

    format: int = FORMAT
    time: str
    file_sha256: str
    file_name: str | None
    seconds: float | None
    sample_rate: int | None
    level_dbfs: float | None
    centroid_hz: float | None
    device: str | None
    model: str
    model_id: str | None
    segments: int
    abnormal_share: float | None
    decisions: dict[str, int]
    predicted: dict[str, int]
    confidence: list[float]
    distance: list[float]
    user: str


def entry(
    segments: Sequence[Segment],
    *,
    file_sha256: str,
    model: str,
    model_id: str | None,
    seconds: float | None = None,
    sample_rate: int | None = None,
    level_dbfs: float | None = None,
    centroid_hz: float | None = None,
    device: str | None = None,
    file_name: str | None = None,
    user: str | None = None,
) -> Entry:
    """Return the entry of one recording at the current time.

    Args:
        segments: Outcomes of the segments of the recording.
        file_sha256: SHA-256 of the file, or of the samples of an array.
        model: Name of the model for people.
        model_id: Id of the model, from its card.
        seconds: Length of the recording.
        sample_rate: Sample rate of the file in Hz.
        level_dbfs: Level of the recording (`rms_dbfs` of `tasks.audio.quality`).
        centroid_hz: Spectral centroid of the recording (`centroid_hz` of `tasks.audio.quality`).
        device: Device of the recording, if it is known.
        file_name: Name of the file, if names are to be logged.
        user: Name of the user or client; the user of this process, if None.
    """
    judged = [one for one in segments if one.predicted is not None]
    shown = [judged[index * len(judged) // SAMPLE] for index in range(SAMPLE)] if len(judged) > SAMPLE else judged
    return Entry(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        file_sha256=file_sha256,
        file_name=file_name,
        seconds=seconds,
        sample_rate=sample_rate,
        level_dbfs=level_dbfs,
        centroid_hz=centroid_hz,
        device=device,
        model=model,
        model_id=model_id,
        segments=len(segments),
        abnormal_share=abnormal_share(one.abnormal for one in segments),
        decisions=dict(sorted(Counter(one.decision for one in segments).items())),
        predicted=dict(sorted(Counter(one.predicted for one in judged if one.predicted is not None).items())),
        confidence=[round(float(one.confidence), 4) for one in shown if one.confidence is not None],
        distance=[round(float(one.distance), 4) for one in shown if one.distance is not None],
        user=users.own_name() if user is None else user,
    )


def of_prediction(
    prediction: Prediction,
    *,
    file_sha256: str,
    file_name: str | None = None,
    device: str | None = None,
    user: str | None = None,
) -> Entry:
    """Return the entry of a prediction at the current time.

    Args:
        prediction: Prediction for one recording.
        file_sha256: SHA-256 of the file.
        file_name: Name of the file, if names are to be logged.
        device: Device of the recording, if it is known.
        user: Name of the user or client; the user of this process, if None.
    """
    return entry(
        prediction.segments,
        file_sha256=file_sha256,
        file_name=file_name,
        model=prediction.model.label,
        model_id=prediction.model.id,
        seconds=prediction.seconds,
        sample_rate=prediction.sample_rate,
        level_dbfs=prediction.measures.get("rms_dbfs"),
        centroid_hz=prediction.measures.get("centroid_hz"),
        device=device,
        user=user,
    )


def of_failure(
    model: ModelIdentity,
    *,
    file_sha256: str,
    file_name: str | None = None,
    device: str | None = None,
    user: str | None = None,
) -> Entry:
    """Return the entry of a recording that could not be read, or is too long: one segment that is not judged.

    Args:
        model: Model that was asked.
        file_sha256: SHA-256 of the file.
        file_name: Name of the file, if names are to be logged.
        device: Device of the recording, if it is known.
        user: Name of the user or client; the user of this process, if None.
    """
    return entry(
        [unusable(())],
        file_sha256=file_sha256,
        file_name=file_name,
        model=model.label,
        model_id=model.id,
        device=device,
        user=user,
    )
