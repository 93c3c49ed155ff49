"""Comparison of the artifacts of two finished projects: ``python -m benchmarks.contents OLD NEW``.

Files with equal hashes in the records are equal. Others are compared by value, after the renames of `RULES`. Each
difference that the rules do not allow is printed, and the exit status is then 1.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from lineage.files import flat
from tasks import artifacts
from tasks.runtime.params import flatten


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Allowed differences of the files of one pattern.

    Attributes:
        pattern: Path relative to the project, with ``*`` for any name.
        renamed: New name of each renamed column or key; for keys, regular expressions and their replacements.
        added: Columns or regular expressions of keys that only the new files have.
        removed: Columns or regular expressions of keys that only the old files have.
        changed: Regular expressions of keys whose values may differ.
        as_text: Columns whose values are compared as text, since their type changed.
        reason: Reason for not comparing the files at all.
    """

    pattern: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    as_text: tuple[str, ...] = ()
    reason: str = ""


RULES = (
    Rule(
        pattern="data/cycles/recordings.parquet",
        renamed={
            "chest_location": "location",
            "recording_index": "icbhi_recording_index",
            "mode": "icbhi_mode",
            "name_in_split": "icbhi_name_in_split",
            "bmi": "icbhi_bmi",
            "weight_kg": "icbhi_weight_kg",
            "height_cm": "icbhi_height_cm",
            "wav_sha256": "recording_sha256",
            "txt_sha256": "annotation_sha256",
        },
        added=("corpus",),
        as_text=("patient_id",),
    ),
    Rule(
        pattern="data/cycles/cycles.parquet",
        renamed={"crackles": "icbhi_crackles", "wheezes": "icbhi_wheezes"},
        added=("corpus", "device"),
        as_text=("patient_id",),
    ),
    Rule(pattern="data/evaluation/predictions.parquet", as_text=("patient_id",)),
    Rule(pattern="data/cycles/summary.json", added=(r"title",), changed=(r"corpus",)),
    Rule(pattern="data/raw/source.json", added=(r"identity\..*", r"title"), changed=(r"corpus",)),
    Rule(
        pattern="reports/metrics.json",
        renamed={r"(.*\.groups)\.chest_location\b": r"\1.location"},
        added=(r"identity", r"title"),
        changed=(r"corpus",),
    ),
    Rule(pattern="data/cycles/corpus.json", reason="new"),
    Rule(pattern="data/cycles/label_sets.json", reason="new"),
    Rule(pattern="data/validation/results.json", reason="expectations have other names and words"),
    Rule(pattern="reports/data_docs/*", reason="expectations have other names and words"),
    Rule(pattern="reports/report.html", reason="other words and layout; its figures are those of metrics.json"),
)


def main(old: Path, new: Path) -> int:
    """Print the differences between two projects, and return 1 if there are any."""
    before, after = outputs(old), outputs(new)
    counts: Counter[str] = Counter()
    for path in sorted(before.keys() | after.keys()):
        rule = next((rule for rule in RULES if PurePosixPath(path).match(rule.pattern)), Rule(pattern=path))
        if before.get(path) == after.get(path):
            counts["equal"] += 1
        elif rule.reason:
            counts["not compared"] += 1
            print(f"not compared: {path} ({rule.reason})")
        elif found := [*differences(old / path, new / path, rule)]:
            counts["different"] += 1
            print(f"DIFFERENT: {path}", *found, sep="\n  ")
        else:
            counts["equal after the renames"] += 1
    print(", ".join(f"{number} files {word}" for word, number in sorted(counts.items())))
    return 1 if counts["different"] else 0


def outputs(root: Path) -> dict[str, str]:
    """Return the content hash of each file that the records of a project name as an output."""
    records = sorted((root / artifacts.RECORDS).glob("*.json"))
    if not records:
        sys.exit(f"{root} is no finished project: {artifacts.RECORDS} holds no record")
    made: dict[str, str] = {}
    for record in records:
        described = flat(json.loads(record.read_text(encoding="utf-8"))["outputs"])
        made |= {path: str(file.get("content") or file["sha256"]) for path, file in described.items()}
    return made


def differences(old: Path, new: Path, rule: Rule) -> Iterator[str]:
    """Yield the differences of one file that its rule does not allow."""
    if not (old.is_file() and new.is_file()):
        yield "only in the old project" if old.is_file() else "only in the new project"
    elif old.suffix == ".parquet":
        yield from of_tables(pl.read_parquet(old), pl.read_parquet(new), rule)
    elif old.suffix == ".json":
        yield from of_documents(*(json.loads(path.read_text(encoding="utf-8")) for path in (old, new)), rule)
    else:
        yield f"content: {old} and {new}"


def of_tables(old: pl.DataFrame, new: pl.DataFrame, rule: Rule) -> Iterator[str]:
    """Yield the differences of two tables, row by row in their order."""
    old = old.rename({name: other for name, other in rule.renamed.items() if name in old.columns})
    yield from (f"column removed: {name}" for name in old.columns if name not in {*new.columns, *rule.removed})
    yield from (f"column added: {name}" for name in new.columns if name not in {*old.columns, *rule.added})
    if old.height != new.height:
        yield f"{old.height} → {new.height} rows"
        return
    for name in (name for name in old.columns if name in new.columns):
        one, other = old[name], new[name]
        if name in rule.as_text:
            one, other = one.cast(pl.String), other.cast(pl.String)
        if one.dtype != other.dtype:
            yield f"column {name}: type {one.dtype} → {other.dtype}"
        elif not one.equals(other, null_equal=True):
            row = next(row for row in range(old.height) if not one[row : row + 1].equals(other[row : row + 1]))
            yield f"column {name}, first in row {row}: {one[row]} → {other[row]}"


def of_documents(old: Any, new: Any, rule: Rule) -> Iterator[str]:
    """Yield the differences of two JSON documents by dotted key."""
    before, after = flatten(old, lists=True), flatten(new, lists=True)
    for pattern, replacement in rule.renamed.items():
        before = {re.sub(pattern, replacement, key): value for key, value in before.items()}
    for key in [*before, *(key for key in after if key not in before)]:
        if key not in after and not _allowed(key, rule.removed):
            yield f"key removed: {key}"
        elif key not in before and not _allowed(key, rule.added):
            yield f"key added: {key}"
        elif key in before and key in after and before[key] != after[key] and not _allowed(key, rule.changed):
            yield f"{key}: {before[key]} → {after[key]}"


def _allowed(key: str, patterns: tuple[str, ...]) -> bool:
    return any(re.fullmatch(pattern, key) for pattern in patterns)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m benchmarks.contents OLD NEW")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
