"""Values beside the tensors in a pickle of weights: arrays of NumPy, and the checks of what makes them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MAX_DIMENSIONS = 64
_DTYPE = re.compile(r"[|<>=]?[biufc][0-9]{1,2}")  # types of numbers; others, of which some crash NumPy, are refused
# Functions that make arrays of NumPy and sizes beside the tensors, and the checks of their arguments.
BESIDE: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    "torch.Size": lambda args: len(args) == 1,
    "torch.device": lambda args: len(args) <= 2,
    "_codecs.encode": lambda args: args[1:] == ("latin1",),
    "numpy.dtype": lambda args: (
        len(args) == 3 and bool(_DTYPE.fullmatch(args[0])) and _is_flag(args[1], 0) and _is_flag(args[2], 1)
    ),
    **{
        f"numpy.{package}.multiarray.{function}": check
        for package in ("core", "_core")
        for function, check in (
            ("scalar", lambda args: len(args) == 2 and _is_dtype(args[0])),
            # Another shape would allocate memory at once.
            ("_reconstruct", lambda args: args[0] == Global("numpy.ndarray") and args[1] == (0,)),
        )
    },
}


@dataclass(frozen=True)
class Global:
    """Name of a class or function, which is not imported."""

    name: str


@dataclass(frozen=True)
class Opaque:
    """Value that is no tensor, such as an array of NumPy.

    Attributes:
        length: Number of bytes that it copies.
        maker: Name of the function that makes it.
    """

    length: int
    maker: str


def _is_flag(value: Any, expected: int) -> bool:
    return isinstance(value, int) and value == expected


def _is_dtype(value: Any) -> bool:
    return isinstance(value, Opaque) and value.maker == "numpy.dtype"


def is_state(maker: str, state: Any) -> bool:
    """Return whether a plain type or array of NumPy can have a state.

    NumPy checks states only in part: some end the process.

    Args:
        maker: Name of the function that made the value.
        state: State that the pickle gives it.
    """
    if not isinstance(state, tuple):
        return False
    if maker == "numpy.dtype":  # version, byte order, no fields, no size of its own, no flags
        order = isinstance(state[1], str) and state[1] in ("<", ">", "|", "=")
        return len(state) == 8 and state[0] in (3, 4) and order and state[2:] == (None, None, None, -1, -1, 0)
    if not maker.endswith("._reconstruct") or len(state) != 5:
        return False
    version, shape, dtype, _, data = state
    counts = isinstance(shape, tuple) and len(shape) <= MAX_DIMENSIONS and all(map(is_count, shape))
    return version == 1 and counts and _is_dtype(dtype) and isinstance(data, bytes | str | Opaque)


def is_count(value: Any) -> bool:
    """Return whether a value is a number of elements."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
