"""Python's garbage collector in short processes: searches among imported modules take time and find nothing."""

import atexit
import gc

OBJECTS = 100_000  # new objects until the next search; Python's default is 700


def collect_rarely() -> None:
    """Search for garbage rarely, and not at the exit."""
    gc.set_threshold(OBJECTS)
    atexit.register(gc.freeze)
