"""Whether tables, cards and figures say the same: what must hold even if every hash was made to fit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.verify.audited_project import Tree
from lineage.verify.findings import Finding
from models.file_names import CARD
from tasks.artifacts import CYCLES, RAW_AUDIO, RAW_METADATA, RECORDINGS, SOURCE, STUDENTS, TEACHERS
from tasks.corpora.icbhi import metadata


def recordings(tree: Tree) -> Iterator[Finding]:
    """Yield recordings whose files, side or patient the tables tell otherwise than `data/raw` does."""
    if "extract" not in tree.project.records:
        return
    source = json.loads((tree.root / SOURCE).read_text(encoding="utf-8"))
    for name, digest in source["metadata"].items():
        there = tree.hashes.of(RAW_METADATA / name)
        if digest != (there.sha256 if there else None):
            what = "it is not the file that source.json has the hash of"
            yield Finding(kind="metadata-contradicts", where=str(RAW_METADATA / name), what=what, stages=("download",))
    table = {row["recording_id"]: row for row in tree.table(RECORDINGS).to_pylist()}
    for name, row in table.items():
        for suffix, column in ((".wav", "recording_sha256"), (".txt", "annotation_sha256")):
            path = RAW_AUDIO / f"{name}{suffix}"
            there = tree.hashes.of(path)
            if there is not None and there.sha256 != row[column]:
                what = f"the table of recordings has another {column}: the cycles were cut from another file"
                yield Finding(kind="recording-contradicts", where=str(path), what=what, stages=("extract",))
    yield from _sides(tree, table)


def _sides(tree: Tree, table: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    official = metadata.read_split(tree.root / RAW_METADATA / metadata.SPLIT_FILE)
    named = metadata.match(official, table).recording_ids
    side = {recording: official[name] for name, recording in named.items()}
    moved: dict[tuple[str, str, str], list[str]] = {}
    for name, row in table.items():
        if row["split"] != side.get(name):
            moved.setdefault((row["patient_id"], str(side.get(name)), row["split"]), []).append(name)
    for (patient, old, new), names in moved.items():
        what = f"{len(names)} recordings are in {new}, the split file has them in {old}: {names[0]}"
        yield Finding(
            kind="split-contradicts", where=f"{RECORDINGS}: patient {patient}", what=what, stages=("extract",)
        )
    faults: dict[tuple[str, str], list[str]] = {}
    columns = ["cycle_id", "recording_id", "patient_id", "split", "fold"]
    for row in tree.table(CYCLES).select(columns).to_pylist():
        known = table.get(row["recording_id"])
        if known is None:
            faults.setdefault((row["patient_id"], "a recording that the table of recordings has not"), []).append(
                row["cycle_id"]
            )
            continue
        for column in columns[2:]:
            if row[column] != known[column]:
                told = f"{column} {row[column]}, their recordings have {known[column]}"
                faults.setdefault((known["patient_id"], told), []).append(row["cycle_id"])
    for (patient, told), cycles in faults.items():
        what = f"{len(cycles)} cycles have {told}: {cycles[0]}"
        yield Finding(kind="split-contradicts", where=f"{CYCLES}: patient {patient}", what=what, stages=("extract",))


def accounts(tree: Tree) -> Iterator[Finding]:
    """Yield stages whose records count other cycles in train, val and test than the tables now give."""
    for stage, found in tree.project.records.items():
        counted = found["account"].get("subsets")
        if not counted or found["params"].get(f"teachers.{stage.partition('@')[2]}", {}).get("fold"):
            continue  # a teacher that leaves out a fold counts fewer than the split has
        now = list(tree.subsets(stage).values())
        told = [f"{name} {count} → {now.count(name)}" for name, count in counted.items() if now.count(name) != count]
        if told:
            what = f"the record counts other cycles than the table gives: {', '.join(told)}"
            yield Finding(kind="split-contradicts", where=stage, what=what, stages=(stage,))


def cards(tree: Tree) -> Iterator[Finding]:
    """Yield models whose card is not of the network and seed that the record asks for: one took another's place."""
    for stage, found in tree.project.records.items():
        group, _, item = stage.partition("@")
        if group == "train_teacher":
            folder, given = TEACHERS / item, dict(found["params"][f"teachers.{item}"])
        elif group == "train_student":
            folder, given = STUDENTS / item, {"seed": int(item)}
            given |= {key.removeprefix("student."): value for key, value in found["params"].items()}
        else:
            continue
        given["labels"] = found["params"]["labels"]
        path = tree.root / folder / CARD
        if not path.is_file():
            continue  # told by `outputs`
        card = json.loads(path.read_text(encoding="utf-8"))
        told = [
            f"{key} is {card.get(key)}, asked for was {given[key]}"
            for key in ("architecture", "frontend", "weights", "seed", "labels")
            if card.get(key) != given[key]
        ]
        told += [
            f"options.{key} is {card.get('options', {}).get(key)}, asked for was {value}"
            for key, value in given["options"].items()
            if card.get("options", {}).get(key) != value
        ]
        if told:
            where = f"{folder}/{CARD}"
            yield Finding(kind="model-swapped", where=where, what="; ".join(told), stages=(stage,))
