"""Copies of a recording or annotation in several folders of a source.

Some sources hold everything twice, below folders that differ in case only.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from tasks.runtime import progress_bars
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed
from tasks.sources.collection import Member

Place = TypeVar("Place")


def common_place(paths: Sequence[str], place: Callable[[str], Place]) -> Place:
    """Return the place that the folders of a file tell, such as its side of the split.

    Args:
        paths: Paths of the file and of its equal copies.
        place: Function from a path to the place.

    Raises:
        BreathlineError: Copies are in folders of different places.
    """
    places = {place(path): path for path in reversed(paths)}
    if len(places) > 1:
        raise BreathlineError(
            f"Copies of {PurePosixPath(paths[0]).name} are in folders of different sides of the split, "
            "or of different releases.",
            where=" and ".join(sorted(places.values())),
            hint="keep one of the copies",
        )
    return next(iter(places))


def count_equal(files: Collection[Sequence[Member]]) -> int:
    """Return the number of copies beside the first of each file.

    Args:
        files: All copies of each file, which have one name.

    Raises:
        BreathlineError: Copies of one file differ by their SHA-256. The error names them.
    """
    several = [copies for copies in files if len(copies) > 1]
    differing = [
        (copies[0], copy)
        for copies in progress_bars.track(several, "comparing copies", len(several))
        for copy in _unlike_the_first(copies)
    ]
    if differing:
        names = sorted({PurePosixPath(first.name).name for first, _ in differing})
        raise BreathlineError(
            f"Copies of {counted(len(names), 'file')} differ: {listed(names)}.",
            where=f"{differing[0][0].origin} and {differing[0][1].origin}",
            hint="remove the wrong ones",
        )
    return sum(len(copies) - 1 for copies in several)


def _unlike_the_first(copies: Sequence[Member]) -> list[Member]:
    """Return the copies whose content is not that of the first."""
    first, *others = copies
    if any(other.size != first.size for other in others):
        return [other for other in others if other.size != first.size]
    expected = first.sha256()
    return [other for other in others if other.sha256() != expected]
