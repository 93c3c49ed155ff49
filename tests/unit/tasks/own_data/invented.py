"""Invented recordings of patients with stethoscopes that no published corpus has, and requests for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from tasks.checks.settings import CheckSettings
from tasks.corpora.table.normalised import Segment
from tasks.own_data import draft
from tasks.own_data.problems import Problems
from tasks.own_data.request import Draft, Request
from tasks.runtime import params

ROOT = Path(__file__).parents[4]
LIMITS = params.parse(CheckSettings, params.section(params.read(ROOT / "params.yaml"), "validate"), "validate")
RATE = 8000


def write_audio(folder: Path, names: Sequence[str], *, seconds: float = 4.0, rate: int = RATE) -> Path:
    """Write noise, another for each name, by the container of its suffix, and return the folder."""
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate)).clip(-0.9, 0.9)
        soundfile.write(path, noise, rate)
    return folder


def request(folder: Path, table: Path | None = None, **given: object) -> Request:
    """Return a request for the recordings of a folder."""
    usual = Request(
        name="mine",
        folder=folder,
        table=table,
        columns={},
        classes={},
        beside=table is None,
        format=None,
        patient_from=None,
        window_s=None,
        role="external",
        limits=LIMITS,
    )
    return replace(usual, **given)  # type: ignore[arg-type]


def make(folder: Path, table: str | bytes | Mapping[str, str], name: str = "sounds.csv", **given: object) -> Draft:
    """Return the draft of a corpus; the text of a table, or texts of annotation files by name, are written first."""
    return judged(folder, table, name, **given)[0]


def judged(
    folder: Path, table: str | bytes | Mapping[str, str], name: str = "sounds.csv", **given: object
) -> tuple[Draft, list[str]]:
    """Return the draft of a corpus and the lines of its problems, without the path of the folder."""
    path = None
    if isinstance(table, Mapping):
        for file, text in table.items():
            (folder / file).write_text(text, encoding="utf-8")
    else:
        path = folder.parent / name
        path.write_bytes(table.encode() if isinstance(table, str) else table)
    problems = Problems()
    made = draft.make(request(folder, path, **given), problems)
    return made, [one.text.replace(f"{folder.parent}/", "") for one in problems.sorted()]


def segments(rows: Sequence[Segment]) -> list[tuple[str, float, float, str]]:
    """Return file, start, end and class of each row."""
    return [(one.file, one.start_s, one.end_s, one.kind) for one in rows]
