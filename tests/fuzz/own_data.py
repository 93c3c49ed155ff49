"""Readers of a user's own recordings for the fuzz tests: a table, an annotation file, and the normalised table."""

import tempfile
from functools import cache
from pathlib import Path

from tasks.corpora.table import normalised
from tasks.own_data import draft
from tasks.own_data.problems import Problems
from tests.unit.tasks.own_data.invented import request, write_audio

RECORDINGS = ("P1_a.wav", "P2_a.wav")
HEADING = "file\tstart\tend\tlabel\tpatient\tdevice\tage\tsex\tfold"
ROWS = (
    HEADING,
    "P1_a.wav\t0\t0.5\tnormal\tP1\tEko\t33\tF\t0",
    "P2_a\t0.1\t0.75\tCrackles\tP2\tEko\t1.5\tmale\t1",
)
NORMALISED = (
    ",".join(normalised.COLUMNS),
    f"mine-P1_a,P1_a.wav,{'0' * 64},mine-P1,0,0.5,normal,normal,,Eko,33,F,,train,",
)


@cache
def _folder() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """Return a folder of audio that is removed at the end of the process."""
    kept = tempfile.TemporaryDirectory()
    return kept, write_audio(Path(kept.name, "audio"), RECORDINGS, seconds=1.0)


def read_table(path: Path) -> None:
    """Judge a table; all its problems are one error."""
    problems = Problems()
    draft.make(request(_folder()[1], path), problems)
    problems.refuse(path.with_name("problems.txt"))


def read_annotation(path: Path) -> None:
    """Judge an annotation file of the first recording; all its problems are one error."""
    folder = _folder()[1]
    (folder / "P1_a.txt").write_bytes(path.read_bytes())
    problems = Problems()
    draft.make(request(folder), problems)
    problems.refuse(path.with_name("problems.txt"))
