"""Standard output and error of a process, for terminals that cannot show every character.

Standard library only: the launcher of a stage imports it before anything slow.
"""

import codecs
import os
import sys
from functools import cache

# Closest characters of ASCII for those that Breathline prints; all others are shown as `\xe4` or `\u2581`.
FALLBACK = {
    "–": "-",
    "−": "-",
    "…": "...",
    "±": "+-",
    "→": "->",
    "×": "x",
    "·": "-",
    "≤": "<=",
    "≥": ">=",
    "“": '"',
    "”": '"',
    "’": "'",
    "\u00a0": " ",
    "\u2009": " ",
    "α": "alpha",
    "λ": "lambda",
    "ρ": "rho",
    "━": "-",
    "╸": "-",
    "╺": "-",
    "█": "#",
}
HANDLER = "breathline"


def set_up() -> None:
    """Make output that the terminal's encoding cannot show appear with other characters, instead of an exception."""
    _register()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=HANDLER)


def may_be_terminal() -> bool:
    """Return whether standard error is a terminal, or a variable may tell rich to treat it as one."""
    if any(os.environ.get(name) for name in ("FORCE_COLOR", "TTY_COMPATIBLE")):
        return True
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, ValueError):  # None, if it was closed before the start, or closed since
        return False


@cache
def _register() -> None:
    codecs.register_error(HANDLER, _replace)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return "".join(
        FALLBACK.get(one) or one.encode("ascii", "backslashreplace").decode() for one in characters
    ), error.end
