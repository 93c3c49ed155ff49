"""Consistency checks of source, tables, decisions and model cards, independent of hashes."""

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding
from models.file_names import CARD
from tasks.artifacts import CYCLES, RAW_AUDIO, RAW_METADATA, RECORDINGS, SOURCE
from tasks.corpora import registry
from tasks.corpora.base import Corpus
from tasks.corpora.source_files import recordings_in
from tasks.subsets import folds
from tasks.subsets.settings import FoldSettings

EXTRACT = ("extract",)


def recordings(audited: AuditedProject) -> Iterator[Finding]:
    """Yield recordings whose files, split or patient in the tables differ from `data/raw`."""
    if "extract" not in audited.project.records:
        return
    source = audited.json(SOURCE)
    corpus = registry.get(source["corpus"])
    audio = {
        name: path.relative_to(audited.root) for name, path in recordings_in(audited.root / RAW_AUDIO, corpus).items()
    }
    for name, digest in source["metadata"].items():
        where = RAW_METADATA / name
        there = audited.hashes.of(where)
        if digest != (there.sha256 if there else None):
            yield Finding("metadata-contradicts", str(where), "source.json has another hash of the file", ("download",))
    table = {row["recording_id"]: row for row in audited.table(RECORDINGS).to_pylist()}
    for name, row in table.items():
        wav = RAW_AUDIO / (audio[name].name if name in audio else name)
        hashes = {corpus.annotation(wav): "annotation_sha256", wav: "recording_sha256"}  # one file without annotations
        for path, column in hashes.items():
            there = audited.hashes.of(path)
            if there is not None and there.sha256 != row[column]:
                what = f"the table of recordings has another {column}: the cycles were cut from another file"
                yield Finding("recording-contradicts", str(path), what, EXTRACT)
    yield from _splits(audited, table, corpus)
    yield from _cycles(audited, table)


def _splits(audited: AuditedProject, table: Mapping[str, Mapping[str, Any]], corpus: Corpus) -> Iterator[Finding]:
    """Yield patients whose recordings have another split than in the split file."""
    metadata = corpus.read_metadata(audited.root / RAW_METADATA, list(table))
    split = {recording: row.get("split") for recording, row in metadata.recordings.items()}
    moved: dict[tuple[str, str, str], list[str]] = {}
    for name, row in table.items():
        if row["split"] != split.get(name):
            moved.setdefault((row["patient_id"], str(split.get(name)), row["split"]), []).append(name)
    for (patient, old, new), names in moved.items():
        what = f"{len(names)} recordings are in {new}, the split file has them in {old}: {names[0]}"
        yield Finding("split-contradicts", f"{RECORDINGS}: patient {patient}", what, EXTRACT)


def _cycles(audited: AuditedProject, table: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield patients whose cycles have other facts than their recordings."""
    faults: dict[tuple[str, str], list[str]] = {}
    columns = ["cycle_id", "recording_id", "patient_id", "split", "fold"]
    for row in audited.table(CYCLES).select(columns).to_pylist():
        known = table.get(row["recording_id"])
        if known is None:
            what = "a recording that the table of recordings does not have"
            faults.setdefault((row["patient_id"], what), []).append(row["cycle_id"])
            continue
        for column in columns[2:]:
            if row[column] != known[column]:
                what = f"{column} {row[column]}, their recordings have {known[column]}"
                faults.setdefault((known["patient_id"], what), []).append(row["cycle_id"])
    for (patient, fault), cycles in faults.items():
        what = f"{len(cycles)} cycles have {fault}: {cycles[0]}"
        yield Finding("split-contradicts", f"{CYCLES}: patient {patient}", what, EXTRACT)


def subsets(audited: AuditedProject) -> Iterator[Finding]:
    """Yield stages whose recorded subsets differ from those that the tables give for the recorded parameters."""
    for stage, found in audited.project.records.items():
        decided = found["decisions"]
        if "subsets" not in decided:
            continue
        expected = audited.assignment(stage)
        if fold := decided.get("fold"):
            expected = folds.without(expected, FoldSettings(**fold))
        now, counted = expected.by_subset(), found["account"]["subsets"]
        differences = [
            f"{name} {counted.get(name)} → {len(cycles)}, {len(set(cycles) ^ set(decided['subsets'][name]))} others"
            for name, cycles in now.items()
            if cycles != decided["subsets"][name] or counted.get(name) != len(cycles)
        ]
        if differences:
            what = f"the record has other subsets than the table gives: {'; '.join(differences)}"
            yield Finding("split-contradicts", stage, what, (stage,))


def cards(audited: AuditedProject) -> Iterator[Finding]:
    """Yield models whose card has another network or seed than the record: another model is in the folder."""
    for stage, found in audited.project.records.items():
        decided = found["decisions"]
        path = next((entry["path"] for entry in found["outputs"]), "") + f"/{CARD}"
        if "network" not in decided or not (audited.root / path).is_file():
            continue  # a missing card is a finding of `outputs`
        card = audited.json(path)
        wanted = {**decided["network"], "seed": decided["seed"], "labels": found["params"]["labels"]}
        options = wanted.pop("options")
        there = {key: card.get(key) for key in wanted}
        wanted |= {f"options.{key}": value for key, value in options.items()}
        there |= {f"options.{key}": card.get("options", {}).get(key) for key in options}
        differences = [f"{key} is {there[key]}, not {value}" for key, value in wanted.items() if there[key] != value]
        if differences:
            yield Finding("model-swapped", path, "; ".join(differences), (stage,))
