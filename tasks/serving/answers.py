"""Answers of the server, as its OpenAPI document describes them, from predictions."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from tasks.prediction.judgement import UNLIKE, Decision
from tasks.prediction.results import CAUTION, ModelIdentity, Prediction
from tasks.prediction.results import Segment as PredictedSegment
from tasks.runtime.words import counted

if TYPE_CHECKING:
    from tasks.prediction.maps import SegmentMap


class Map(BaseModel):
    """Parts of the spectrogram of a segment on which the predicted class depends."""

    method: str
    seconds: list[float] = Field(description="middle of each column, from the start of the segment")
    hertz: list[float] = Field(description="centre of each row")
    values: list[list[float]] = Field(description="relevance of each column and row, 0 to 1")


class Segment(BaseModel):
    """Judgement of one window of a recording."""

    start_s: float
    end_s: float
    decision: Decision
    predicted: str | None = Field(description="class by the decision rule of the model; null if not judged")
    classes: list[str] = Field(description="conformal set: the plausible classes, the most probable one first")
    probabilities: dict[str, float] | None = Field(description="probability of each class by the network")
    confidence: float | None = Field(description="largest calibrated probability")
    distance: float | None = Field(description="distance from what the model learned from; null if unknown")
    note: str | None = Field(description="reasons of the decision")
    map: Map | None = Field(description="with `--maps`: parts on which the class depends; else null")


class Recording(BaseModel):
    """Summary of a recording."""

    name: str = Field(description="file name that the client gave, for people only")
    seconds: float
    sample_rate: int
    channels: int
    summary: str = Field(description="result in words")
    abnormal_share: float | None = Field(description="share of abnormal ones among the abnormal and normal segments")
    open: int = Field(description="number of segments that are neither clearly abnormal nor clearly normal")
    longest_abnormal_s: float = Field(description="longest time in seconds of abnormal segments in a row")
    decisions: dict[str, int] = Field(description="number of segments by decision")
    notes: list[str] = Field(description="properties of the file, such as a repaired header")


class Model(BaseModel):
    """Model that predicted."""

    label: str
    id: str | None
    banner: str | None = Field(description="warning that is shown with every output; null for none")
    labels: str
    classes: list[str]
    engine: str


class Answer(BaseModel):
    """Prediction for one recording."""

    request_id: str
    notice: str = CAUTION
    model: Model
    recording: Recording
    segments: list[Segment]


class ProblemDetails(BaseModel):
    """Refused request (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = Field(description="what is wrong")
    next: str = Field(description="next step")


def model(identity: ModelIdentity) -> Model:
    """Return the model of an answer; clients do not see in which folder of the server it is."""
    parts = PurePath(identity.label).parts
    label = str(PurePath(*parts[-2:])) if parts[:1] in (("/",), ("..",), ("~",)) else identity.label
    return Model(
        label=label,
        id=identity.id,
        banner=identity.banner,
        labels=identity.labels,
        classes=list(identity.classes),
        engine=identity.engine,
    )


def answer(
    prediction: Prediction,
    *,
    name: str,
    request_id: str,
    maps: Sequence[tuple[PredictedSegment, "SegmentMap"]] = (),
) -> Answer:
    """Return the answer for a prediction.

    Args:
        prediction: Prediction of an upload.
        name: Name of the recording, for people.
        request_id: Id of the request.
        maps: Segments of the prediction that have a map, each with it.
    """
    found = prediction.summary
    recording = Recording(
        name=name,
        seconds=prediction.seconds,
        sample_rate=prediction.sample_rate,
        channels=prediction.channels,
        summary=summary(prediction),
        abnormal_share=found.abnormal_share,
        open=found.open,
        longest_abnormal_s=found.longest_abnormal_s,
        decisions=found.decisions,
        notes=list(prediction.notes),
    )
    segments = [_segment(prediction, one) for one in prediction.segments]
    drawn = {id(one): found for one, found in maps}
    for segment, one in zip(segments, prediction.segments, strict=True):
        if one.predicted is not None and id(one) in drawn:
            segment.map = Map(**vars(drawn[id(one)]) | {"values": drawn[id(one)].values.tolist()})
    return Answer(request_id=request_id, model=model(prediction.model), recording=recording, segments=segments)


def summary(prediction: Prediction) -> str:
    """Return the result of a recording as one or more sentences."""
    found = prediction.summary
    unjudged = found.decisions.get("not_judged", 0)
    if unjudged == found.segments:
        return f"Nothing is judged: {'; '.join(dict.fromkeys(_reasons(prediction)))}."
    closed = found.abnormal + found.normal
    verb = "is" if found.abnormal == 1 else "are"
    text = f"{found.abnormal} of {counted(closed, 'segment')} with a clear result {verb} abnormal"
    if not closed:
        text = "No segment has a clear result"
    if found.abnormal:
        text += f", at most {found.longest_abnormal_s:.1f} s in a row"
    if found.open:
        text += f". {counted(found.open, 'segment')} {'is' if found.open == 1 else 'are'} open: normal or abnormal"
    doubts = {"uncertain": "uncertain", "unlike": UNLIKE, "not_judged": "not judged"}
    listed = [f"{found.decisions[key]} {words}" for key, words in doubts.items() if found.decisions.get(key)]
    return f"{text}. {', '.join(listed).capitalize()}." if listed else f"{text}."


def _reasons(prediction: Prediction) -> list[str]:
    return [reason for one in prediction.segments for reason in one.judgement.reasons]


def _segment(prediction: Prediction, one: PredictedSegment) -> Segment:
    judged = one.judgement
    probabilities = None
    if judged.probabilities is not None:
        probabilities = dict(zip(prediction.model.classes, judged.probabilities, strict=True))
    return Segment(
        start_s=one.start_s,
        end_s=one.end_s,
        decision=judged.decision,
        predicted=judged.predicted,
        classes=list(judged.classes),
        probabilities=probabilities,
        confidence=judged.confidence,
        distance=judged.distance,
        note="; ".join((*judged.reasons, *one.notes)) or None,
        map=None,
    )
