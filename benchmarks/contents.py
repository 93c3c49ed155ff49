"""Comparison of the artifacts of two finished projects: ``python -m benchmarks.contents OLD NEW``.

Files with equal hashes in the records are equal. Others are compared by value, after the renames of contents.toml. Each
difference that the rules do not allow is printed, and the exit status is then 1.
"""

import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from lineage.files import by_path
from tasks import artifacts
from tasks.runtime.params import flatten


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Allowed differences of the files of one pattern."""

    pattern: str  # path relative to the project, with `*` for any name
    renamed: Mapping[str, str] = field(default_factory=dict)  # columns, or regular expressions of keys, and new names
    added: Sequence[str] = ()  # columns or regular expressions of keys that only the new files have
    removed: Sequence[str] = ()  # columns or regular expressions of keys that only the old files have
    changed: Sequence[str] = ()  # regular expressions of keys whose values may differ
    as_text: Sequence[str] = ()  # columns whose values are compared as text, since their type changed
    reason: str = ""  # reason for not comparing the files at all


RULES = tuple(
    Rule(pattern=pattern, **rule)
    for pattern, rule in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
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
        described = by_path(json.loads(record.read_text(encoding="utf-8"))["outputs"])
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


def _allowed(key: str, patterns: Sequence[str]) -> bool:
    return any(re.fullmatch(pattern, key) for pattern in patterns)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m benchmarks.contents OLD NEW")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
