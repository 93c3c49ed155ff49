"""Answers of the server, as its OpenAPI document describes them."""

from typing import Literal

from pydantic import BaseModel, Field

from tasks.serving.settings import NOTICE


class Segment(BaseModel):
    """Judgement of one window of a recording."""

    start_s: float
    end_s: float
    decision: Literal["judged", "uncertain", "unlike", "not_judged"]
    predicted: str | None = Field(description="class by the decision rule of the model; null if not judged")
    classes: list[str] = Field(description="conformal set: the classes that are plausible at the stated coverage")
    probabilities: dict[str, float] | None = Field(description="calibrated probability of each class")
    confidence: float | None = Field(description="largest calibrated probability")
    distance: float | None = Field(description="distance from what the model learned from")
    note: str | None


class Recording(BaseModel):
    """Summary of a recording."""

    name: str = Field(description="file name that the client gave, for people only")
    seconds: float
    sample_rate: int
    summary: str
    abnormal_share: float | None = Field(description="share of the judged segments whose class is not the normal one")
    longest_abnormal_s: float | None = Field(description="length in seconds of the longest run of abnormal segments")
    notes: list[str]


class Model(BaseModel):
    """Model that predicted."""

    label: str
    id: str | None
    banner: str | None = Field(description="text that is shown with every output; null for none")
    classes: list[str]


class Answer(BaseModel):
    """Prediction for one recording."""

    request_id: str = ""
    notice: str = NOTICE
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
