"""Front ends by name: each module of this package that sets ``SAMPLE_RATE`` and ``FRONT_END`` is one."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from models import frontends
from models.discovery import assigned, class_attributes
from models.frontends.definitions import DEFINITIONS
from models.frontends.settings import Pad

if TYPE_CHECKING:
    from models.frontends.array_front_end import ArrayFrontEnd
    from models.frontends.base import FrontEnd
    from models.frontends.module_front_end import ModuleFrontEnd


def sample_rates() -> dict[str, int]:
    """Return the sample rate of each front end in Hz, by the front end's name; torch is not imported."""
    return {name: ast.literal_eval(value) for name, value in assigned(frontends, "SAMPLE_RATE").items()}


def with_scale() -> list[str]:
    """Return the names of the front ends whose class sets `scale`, which gain and noise of waveforms need, sorted."""
    return [name for name in class_attributes(frontends, "scale") if name in sample_rates()]


def find(name: str) -> type[FrontEnd]:
    """Return the class of a front end; it is built with the length of a clip in samples.

    Raises:
        ValueError: There is no front end of that name.
    """
    if name not in (known := sample_rates()):
        raise ValueError(f"there is no front end `{name}`; there are: {', '.join(known)}")
    kind: type[FrontEnd] = import_module(f"{frontends.__name__}.{name}").FRONT_END
    return kind


def create(name: str, duration_s: float, *, pad: Pad = "repeat", fade: bool = True) -> FrontEnd:
    """Return a front end for clips of ``duration_s`` seconds.

    Args:
        name: Name of the front end, as in params.yaml.
        duration_s: Length of a clip in seconds.
        pad: Padding of a shorter cycle: `repeat` or `zero` (`FrontEndSettings`).
        fade: Whether recordings and repeated cycles are faded (`FrontEndSettings`).

    Raises:
        ValueError: There is no front end of that name, or the clips would be shorter than one frame.
    """
    build = cast("Callable[[int], FrontEnd]", find(name))  # a subclass takes the length of a clip alone
    front_end = build(round(duration_s * sample_rates()[name]))
    front_end.pad, front_end.fade = pad, fade
    return front_end


def create_array(
    name: str, duration_s: float, *, pad: Pad = "repeat", fade: bool = True
) -> ArrayFrontEnd | ModuleFrontEnd:
    """Return a front end from arrays to arrays; torch is imported only if the front end has no definition for numpy.

    Args:
        name: Name of the front end, as in params.yaml.
        duration_s: Length of a clip in seconds.
        pad: Padding of a shorter cycle: `repeat` or `zero` (`FrontEndSettings`).
        fade: Whether recordings and repeated cycles are faded (`FrontEndSettings`).

    Raises:
        ValueError: There is no front end of that name, or it does not take clips of that length.
    """
    if name not in DEFINITIONS:
        from models.frontends.module_front_end import ModuleFrontEnd

        return ModuleFrontEnd(create(name, duration_s, pad=pad, fade=fade))
    from models.frontends.array_front_end import ArrayFrontEnd

    rate = sample_rates()[name]
    samples = round(duration_s * rate)
    return ArrayFrontEnd(name, DEFINITIONS[name], sample_rate=rate, samples=samples, pad=pad, fade=fade)
