"""Python's garbage collector: searches among imported modules take time and find nothing."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS = 100_000  # new objects until the next search in a short process
PYTHONS = gc.get_threshold()  # thresholds of Python itself


def collect_rarely() -> None:
    """Search for garbage rarely, and not at the exit, in a short process."""
    gc.set_threshold(OBJECTS)
    skip_at_exit()


def collect_as_usual() -> None:
    """Search for garbage as often as Python does, in a server or a long run; the objects so far are left out."""
    gc.freeze()
    gc.set_threshold(*PYTHONS)


@contextmanager
def paused() -> Iterator[None]:
    """Search for no garbage within the block; its objects are left out of later searches."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def skip_at_exit() -> None:
    """Leave out the search at the exit, which visits all objects; with torch it takes more than a second."""
    atexit.register(gc.freeze)
