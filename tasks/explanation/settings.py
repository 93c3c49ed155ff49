"""Settings of the explanation: ``explanation`` in params.yaml."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Interval

from models.explanation.settings import Method
from tasks.runtime.value_types import Seed


@dataclass(frozen=True, kw_only=True)
class EmbeddingSettings:
    """Sample of cycles that is embedded, and the settings of its neighbours and projections."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    cycles: Annotated[int, Interval(ge=10, le=5000)]  # the purity needs the distances of all pairs
    neighbours: Annotated[int, Ge(1)]
    perplexity: Annotated[float, Interval(ge=1, le=1000)]


@dataclass(frozen=True, kw_only=True)
class MapSettings:
    """Maps over spectrograms, and the tests of these maps."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    cycles: Annotated[int, Interval(ge=0, le=10_000)]
    methods: list[Method]
    steps: Annotated[int, Interval(ge=1, le=1000)]


@dataclass(frozen=True, kw_only=True)
class SharpnessSettings:
    """Cycles and precision of the sharpness of the loss."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    cycles: Annotated[int, Interval(ge=0, le=10_000)]
    iterations: Annotated[int, Interval(ge=1, le=1000)]
    points: Annotated[int, Interval(ge=2, le=101)]


@dataclass(frozen=True, kw_only=True)
class ExplanationSettings:
    """Settings of the stage `explain`."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    seed: Seed
    embeddings: EmbeddingSettings
    maps: MapSettings
    sharpness: SharpnessSettings
