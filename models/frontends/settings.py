"""How cycles become clips: the typed form of an entry of `frontends` in params.yaml; importing this needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

Pad = Literal["repeat", "zero"]


@dataclass(frozen=True, kw_only=True)
class FrontEndSettings:
    """The clips that stand for cycles.

    Attributes:
        duration_s: How long they are, in seconds.
        pad: What fills a clip whose cycle is shorter: the cycle again and again, or silence before and after it.
        fade: Whether recordings fade in and out at their ends and repeated clips fade out, over 62.5 ms, as in the code
            of Bae et al. (INTERSPEECH 2023); work (c) has no fades. Front ends of one sample rate must agree.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    duration_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    pad: Pad = "repeat"
    fade: bool = True
