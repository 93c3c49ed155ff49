"""Settings of the exports of the students: ``export`` in params.yaml."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Interval


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Settings of the stage `export`.

    Attributes:
        onnx: Whether the model is written in the format ONNX, too.
        coverage: Share of cycles whose set of classes is to hold the right one.
        novelty_quantile: Share of validation cycles that count as like the training cycles.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    onnx: bool
    coverage: Annotated[float, Interval(ge=0.5, le=0.99)]
    novelty_quantile: Annotated[float, Interval(ge=0.5, le=0.999)]
