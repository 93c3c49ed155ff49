"""Contents of a corpus of a project, as its stages have extracted them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flows.corpora.items import Item
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime import corpus_facts


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Contents of a corpus.

    Attributes:
        statement: Name of the recordings as a phrase.
        evidence: Sentence that says what was compared.
        numbers: Numbers of recordings, patients and cycles.
        values: Number of cycles by class of each label set, and of recordings by device, location, side and fold.
        licence: Name of the licence; None if none is known.
        citation: Reference to cite; None without one.
    """

    statement: str
    evidence: str
    numbers: Mapping[str, int]
    values: Mapping[str, Mapping[str, int]]
    licence: str | None
    citation: str | None


def read(root: Path, item: Item) -> Contents | None:
    """Return the contents of a corpus, or None if it is not extracted."""
    folder = root / CorpusFolders(item.role, item.name).tables
    paths = [folder / name.name for name in (artifacts.RECORDINGS, artifacts.CYCLES, artifacts.CORPUS)]
    if not all(path.is_file() for path in paths):
        return None
    facts = corpus_facts.read(folder)
    recordings, cycles = (pl.read_parquet(path) for path in paths[:2])
    values = {}
    for name, one in facts.label_sets.items():
        counts = dict(cycles[one.column].drop_nulls().value_counts().iter_rows())
        values[name] = {label: counts.get(index, 0) for index, label in enumerate(one.classes)}
    for column in ("device", "location", "split", "fold"):
        known = recordings[column].drop_nulls().value_counts().sort(column)
        if known.height:
            values[column] = {str(value): number for value, number in known.iter_rows()}
    return Contents(
        statement=facts.identity.statement,
        evidence=facts.identity.evidence,
        numbers={
            "recordings": recordings.height,
            "patients": recordings["patient_id"].n_unique(),
            "cycles": cycles.height,
        },
        values=values,
        licence=facts.licence.name if facts.licence else None,
        citation=facts.citation,
    )
