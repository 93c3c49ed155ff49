"""Generated recordings in HF_Lung's format: two series, several dates, overlapping intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.unit.tasks.corpora.stages import write_noise

Interval = tuple[str, float, float]
SECONDS = 15.0
# Breaths of a recording, each a second long, and sounds that lie in one or two of them.
BREATHS: tuple[Interval, ...] = (("I", 1.0, 2.0), ("E", 2.0, 3.0), ("I", 5.0, 6.0), ("E", 6.0, 7.0))
SOUNDS: tuple[tuple[Interval, ...], ...] = (
    (),
    (("D", 1.2, 1.8),),
    (("Wheeze", 1.5, 2.5), ("D", 5.2, 5.9)),
    (("D", 1.1, 1.9), ("Wheeze", 1.1, 1.9)),
    (("Rhonchi", 5.1, 5.8), ("Stridor", 6.1, 6.8)),
    (("D", 1.5, 2.05), ("Wheeze", 3.5, 4.5)),
)


def time(seconds: float) -> str:
    """Return a time as HF_Lung writes it."""
    return f"00:00:{seconds:06.3f}"


def text(intervals: Sequence[Interval]) -> str:
    """Return the content of a label file."""
    return "".join(f"{token} {time(start)} {time(end)}\n" for token, start, end in intervals)


def recordings(dates: int, *, test: int = 0) -> dict[str, tuple[str, str]]:
    """Return folder and label text of each recording: two of each series a date; the last dates are of the test."""
    found = {}
    for day in range(dates):
        folder = "test" if day >= dates - test else "train"
        stamp = f"2019-08-{day + 1:02}"
        names = [f"steth_{stamp.replace('-', '')}_10_0{take}_00" for take in range(2)]
        names += [f"trunc_{stamp}-11-00-00-L{take + 1}_{take + 1}" for take in range(2)]
        for take, name in enumerate(names):
            found[name] = (folder, text((*BREATHS, *SOUNDS[(day + take) % len(SOUNDS)])))
    return found


def lay_out(root: Path, content: Mapping[str, tuple[str, str]]) -> Path:
    """Write recordings of noise and their label files, and return the folder."""
    for seed, (name, (folder, label)) in enumerate(content.items()):
        write_noise(root / folder / f"{name}.wav", seed, SECONDS)
        (root / folder / f"{name}_label.txt").write_text(label, encoding="ascii")
    return root
