"""How many recordings and cycles a stage took and gave, and each one that was dropped, by its reason.

It is read off the artifacts after the stage, not told by it: what is counted is what is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from models import file_names
from tasks import artifacts
from tasks.runtime import params

if TYPE_CHECKING:
    from tasks.subsets.assignment import Assignment

Account = dict[str, Any]


def of(root: Path, stage: str) -> Account:
    """Return the account of a stage that has ended well.

    Args:
        root: The project.
        stage: As DVC calls it; the items of a group are accounted for alike.

    Returns:
        ``recordings`` and ``cycles`` with ``in`` and ``out`` (as far as the stage deals in them), ``subsets`` with the
        cycles of each where it trains or tests, and ``dropped``: for each reason the sorted ids. Empty for `weights`.
    """
    group, _, item = stage.partition("@")
    return _OF[group](root, item) if group in _OF else {}


def _download(root: Path, _item: str) -> Account:
    source = _json(root / artifacts.SOURCE)
    count, missing = source["recordings"], source["missing"]
    # Of patients who are left out not even the names of their recordings go on: they are named as patients.
    excluded = {f"patient:{patient}": left for patient, left in source["excluded"].items()}
    dropped = {
        "named by the split, not in the source": missing,
        "of a patient whom download.exclude_patients leaves out": list(excluded),
    }
    return {
        "recordings": {"in": count + len(missing) + sum(excluded.values()), "out": count},
        "dropped": {reason: names for reason, names in dropped.items() if names},
        "excluded": excluded,
        "left_behind": {
            "annotations without a recording": source["annotations_without_recording"],
            "other files": source["other_files"],
        },
    }


def _extract(root: Path, _item: str) -> Account:
    summary = _json(root / artifacts.SUMMARY)
    annotations = sorted((root / artifacts.RAW_AUDIO).glob("*.txt"))
    lines = sum(len([line for line in path.read_text().splitlines() if line.strip()]) for path in annotations)
    return {
        "recordings": {"in": len(annotations), "out": summary["recordings"]},
        "cycles": {"in": lines, "out": summary["cycles"]},
        "dropped": {},
    }


def _validate(root: Path, _item: str) -> Account:
    summary = _json(root / artifacts.SUMMARY)
    return {
        "recordings": {"in": summary["recordings"], "out": summary["recordings"]},
        "cycles": {"in": summary["cycles"], "out": summary["cycles"]},
        "dropped": {},
    }


def _fbank(root: Path, item: str) -> Account:
    made = _json(root / artifacts.FEATURE_CACHES / item / file_names.STATISTICS)["cycles"]
    return {"cycles": {"in": _rows(root / artifacts.CYCLES), "out": made}, "dropped": {}}


def _teacher(root: Path, item: str) -> Account:
    assigned, account = _assigned(root)
    given = params.section(params.read(root / "params.yaml"), "teachers")[item].get("fold")
    if given:
        from tasks.subsets import folds

        held_out = folds.members(assigned, folds.FoldSettings(**given))
        reason = f"fold {given['index']} of {given['of']}, which this teacher leaves out"
        account["dropped"][reason] = sorted(held_out)
        account["subsets"]["train"] -= len(held_out)
    return _used(account, "train", "val")


def _training_side(root: Path, _item: str) -> Account:
    return _used(_assigned(root)[1], "train", "val")


def _evaluate(root: Path, _item: str) -> Account:
    return _used(_assigned(root)[1], "test")


def _used(account: Account, *subsets: str) -> Account:
    """Return an account whose stage uses some subsets; the others are not dropped, but for another stage."""
    account["cycles"]["out"] = sum(account["subsets"][subset] for subset in subsets)
    return account


def _assigned(root: Path) -> tuple[Assignment, Account]:
    from tasks.subsets import assignment

    read = params.read(root / "params.yaml")
    path = root / artifacts.CYCLES
    assigned = assignment.from_params(read, path)
    labels, split = assigned.labels, str(read["split"])
    columns = ["cycle_id", "patient_id", labels]
    dropped: dict[str, list[str]] = {}
    for row in pq.read_table(path, columns=columns).to_pylist():
        if row["cycle_id"] in assigned.subsets:
            continue
        reason = f"no label in {labels}" if row[labels] is None else f"outside of the split {split}"
        dropped.setdefault(reason, []).append(row["cycle_id"])
    sizes = {name: len(assigned.cycles(name)) for name in ("train", "val", "test")}
    account: Account = {
        "cycles": {"in": _rows(path), "out": 0},
        "subsets": sizes,
        "dropped": {reason: sorted(ids) for reason, ids in sorted(dropped.items())},
    }
    return assigned, account


def _rows(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def _json(path: Path) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


_OF: dict[str, Callable[[Path, str], Account]] = {
    "download": _download,
    "extract": _extract,
    "validate": _validate,
    "fbank": _fbank,
    "train_teacher": _teacher,
    "train_student": _training_side,
    "soft_labels": _training_side,
    "evaluate": _evaluate,
}
