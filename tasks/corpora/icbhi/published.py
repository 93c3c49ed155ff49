"""Published results of four lung sounds on the official split of the complete ICBHI 2017 database, in percent.

`published.tsv` has a row for each. `definition` is that of sensitivity. `selection` is the choice of the epoch: on the
test set (paper), or without it (val). `recipes` are those of the same method.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tasks.runtime.corpus_facts import Published


def read() -> tuple[Published, ...]:
    """Return the published results in the order of the table."""
    with Path(__file__).with_name("published.tsv").open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file, delimiter="\t"))
    of = {"labels": "lungsound_4", "split": "official"}
    results = [row | of | {"recipes": row["recipes"].split()} for row in rows]
    return TypeAdapter(tuple[Published, ...]).validate_python(results)
