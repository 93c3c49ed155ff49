"""Front ends by the names that `params.yaml` gives them."""

from __future__ import annotations

from collections.abc import Callable

from models.frontends.ast import Ast
from models.frontends.base import FrontEnd
from models.frontends.beats import Beats
from models.frontends.clap import Clap
from models.frontends.efficientat import EfficientAT
from models.frontends.fbank import Fbank
from models.frontends.panns import PANNs
from models.frontends.rates import SAMPLE_RATES
from models.frontends.settings import Pad

__all__ = ["SAMPLE_RATES", "create"]

FRONT_ENDS: dict[str, Callable[[int], FrontEnd]] = {
    "ast": Ast,
    "beats": Beats,
    "clap": Clap,
    "efficientat": EfficientAT,
    "fbank": Fbank,
    "panns": PANNs,
}


def create(name: str, duration_s: float, *, pad: Pad = "repeat", fade: bool = True) -> FrontEnd:
    """Return a front end for clips of `duration_s` seconds, made of cycles as `FrontEndSettings` tells.

    Raises:
        ValueError: There is no front end of that name, or the clips would be shorter than one frame.
    """
    if name not in FRONT_ENDS:
        raise ValueError(f"there is no front end `{name}`; there are: {', '.join(sorted(FRONT_ENDS))}")
    front_end = FRONT_ENDS[name](round(duration_s * SAMPLE_RATES[name]))
    front_end.pad, front_end.fade = pad, fade
    return front_end
