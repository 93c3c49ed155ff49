"""Bad sound files, made from valid ones, each with its outcome: read, read with a note, or refused with some words."""

from tests.unit.tasks.audio.planted_case import Planted
from tests.unit.tasks.audio.planted_contents import absurd, damaged, foreign
from tests.unit.tasks.audio.planted_lengths import incomplete, repaired


def table() -> list[Planted]:
    """Return all cases."""
    return [*incomplete(), *repaired(), *absurd(), *damaged(), *foreign()]
