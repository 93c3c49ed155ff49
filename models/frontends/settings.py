"""Settings of an entry of ``frontends`` in params.yaml; importing them needs no torch."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval

Pad = Literal["repeat", "zero"]


@dataclass(frozen=True, kw_only=True)
class FrontEndSettings:
    """Length, padding and fades of the clips."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    duration_s: Annotated[float, Interval(ge=0.1, le=120)]  # length of a clip in seconds
    # padding of a cycle shorter than the clip: repetitions of the cycle, or silence before and after it
    pad: Pad = "repeat"
    # Whether recordings fade in and out at their ends and repeated clips fade out, over 62.5 ms, as in the code of Bae
    # et al. (INTERSPEECH 2023). Work (c) has no fades. Front ends of one sample rate must agree.
    fade: bool = True
