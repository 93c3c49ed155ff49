"""Times of segments: their unit, and their place within the recordings."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from tasks.own_data.audio import Heard
from tasks.own_data.problems import Problems
from tasks.own_data.segments import Segment
from tasks.runtime.words import counted

Unit = Literal["s", "ms"]
SHORT_MS = 100  # shorter segments do not exist, so that times with smaller differences are seconds
MAX_SEGMENTS = 1000  # of a recording: a cycle's number has three digits
ROUNDING_S = 1e-6


@dataclass(frozen=True, kw_only=True)
class Timed:
    """Segment with start and end in seconds."""

    segment: Segment
    start_s: float
    end_s: float


def unit(segments: Sequence[Segment], heard: Mapping[str, Heard]) -> Unit | None:
    """Return the unit of times by their values, or None if both are possible.

    Args:
        segments: Segments, with at least one time.
        heard: The audio files.
    """
    timed = [(one.start, one.end, one.file) for one in segments if one.start is not None and one.end is not None]
    timed = [one for one in timed if one[2] in heard]
    if not timed or median(end - start for start, end, _ in timed) < SHORT_MS:
        return "s"
    outside = [end > heard[file].duration_s + 1 for _, end, file in timed]
    return "ms" if sum(outside) > len(outside) / 2 else None


def place(
    segments: Sequence[Segment],
    heard: Mapping[str, Heard],
    *,
    milliseconds: bool,
    tolerance_s: float,
    problems: Problems,
) -> list[Timed]:
    """Return segments with their times in seconds, by recording and start; times that cannot be are problems.

    Args:
        segments: Segments of recordings that were read.
        heard: The audio files.
        milliseconds: Whether times are milliseconds.
        tolerance_s: Allowed time behind the end of a recording, in seconds.
        problems: Collection of the problems, which grows.
    """
    found = []
    for one in segments:
        duration = heard[one.file].duration_s
        if one.start is None or one.end is None:
            found.append(Timed(segment=one, start_s=0.0, end_s=duration))
            continue
        start, end = (round(value / 1000, 6) if milliseconds else value for value in (one.start, one.end))
        times = f"from {start:g} to {end:g} s"
        what = None
        if start < 0:
            what, hint = f"the segment {times} starts before the recording", "correct its start"
        elif end <= start:
            what, hint = f"the segment {times} ends before it starts, or has no length", "correct its times"
        elif end > duration + tolerance_s or start >= duration:
            what = f"the segment {times} reaches beyond the end of {one.file} ({duration:.2f} s)"
            hint = "correct its times, or their unit: --map unit=s or --map unit=ms"
        if what:
            problems.add(one.source, what, hint, line=one.line)
        else:
            found.append(Timed(segment=one, start_s=start, end_s=end))
    return sorted(found, key=lambda one: (one.segment.file, one.start_s, one.end_s))


def check_repeats(timed: Sequence[Timed], problems: Problems) -> None:
    """Add segments that are annotated twice, and recordings with too many segments, to the problems."""
    seen: dict[tuple[str, float, float], Segment] = {}
    for one in timed:
        segment = one.segment
        other = seen.setdefault((segment.file, one.start_s, one.end_s), segment)
        if other is segment:
            continue
        what, hint = f"the row repeats row {other.line}", "remove one of them"
        if other.label != segment.label:
            what = f"the segment of row {other.line} has a second label ({other.label}, {segment.label})"
            hint = "keep one row, with a label for both, such as crackle+wheeze"
        problems.add(segment.source, what, hint, line=segment.line)
    for file, number in Counter(one.segment.file for one in timed).items():
        if number > MAX_SEGMENTS:
            problems.add(file, f"{number} segments; {MAX_SEGMENTS} are the most", "divide the recording")


def overlapping(timed: Sequence[Timed], tolerance_s: float) -> int:
    """Return the number of segments that start before an earlier one of their recording ends."""
    latest: dict[str, float] = {}
    count = 0
    for one in timed:
        file = one.segment.file
        count += one.start_s < latest.get(file, 0.0) - tolerance_s
        latest[file] = max(latest.get(file, 0.0), one.end_s)
    return count


def windows(timed: Sequence[Timed], length_s: float) -> list[Timed]:
    """Return whole recordings cut into windows from their beginning, and other segments unchanged.

    A rest shorter than a window is left out. A recording shorter than two windows stays one segment.

    Args:
        timed: Segments.
        length_s: Length of a window in seconds.
    """
    found = []
    for one in timed:
        count = 1 if one.segment.start is not None else max(1, int((one.end_s + ROUNDING_S) // length_s))
        for number in range(count):
            start = number * length_s if count > 1 else one.start_s
            end = start + length_s if count > 1 else one.end_s
            found.append(Timed(segment=one.segment, start_s=start, end_s=end))
    return found


def note_whole(timed: Sequence[Timed]) -> Iterator[str]:
    """Yield a note if whole recordings are segments: of a long segment only the beginning is used."""
    whole = [one.end_s for one in timed if one.segment.start is None]
    if whole:
        yield (
            f"{counted(len(whole), 'recording')} labelled as a whole (up to {max(whole):.1f} s): only the beginning of "
            "each, as long as a clip, is used; --window SECONDS cuts them into windows"
        )
