"""Consistency checks of source, tables, decisions and model cards, independent of hashes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lineage.content import content_hash
from lineage.verify.audited_project import AuditedProject
from lineage.verify.file_differences import difference
from lineage.verify.findings import Finding
from models.file_names import CARD
from tasks import pool
from tasks.artifacts import (
    AUDIO,
    CORPUS,
    CYCLES,
    LABEL_SETS,
    METADATA,
    POOL,
    RECORDINGS,
    SOURCE,
    SUMMARY,
    CorpusFolders,
)
from tasks.corpora import registry
from tasks.corpora.base import Corpus
from tasks.corpora.source_files import recordings_in
from tasks.runtime import corpus_facts
from tasks.runtime.params import natural
from tasks.subsets import folds
from tasks.subsets.settings import FoldSettings

POOLED = (RECORDINGS, CYCLES, SUMMARY, CORPUS, LABEL_SETS)


def recordings(audited: AuditedProject) -> Iterator[Finding]:
    """Yield recordings of all corpora whose files, split or patient in the tables differ from `data/raw`."""
    for folders in audited.extracted:
        yield from _recordings(audited, folders)


def _recordings(audited: AuditedProject, folders: CorpusFolders) -> Iterator[Finding]:
    source = audited.json(folders.raw / SOURCE)
    corpus = registry.get(source["format"])
    metadata, extract = folders.raw / METADATA, (folders.stage("extract"),)
    audio = {name: path.name for name, path in recordings_in(audited.root / folders.raw / AUDIO, corpus).items()}
    for name, digest in source["metadata"].items():
        there = audited.hashes.of(metadata / name)
        if digest != (there.sha256 if there else None):
            what, download = "source.json has another hash of the file", (folders.stage("download"),)
            yield Finding("metadata-contradicts", str(metadata / name), what, download)
    table = {row["recording_id"]: row for row in audited.table(folders.tables / RECORDINGS.name).to_pylist()}
    for name, row in table.items():
        wav = folders.raw / AUDIO / audio.get(name, name)
        hashes = {corpus.annotation(wav): "annotation_sha256", wav: "recording_sha256"}  # one file without annotations
        for path, column in hashes.items():
            there = audited.hashes.of(path)
            if there is not None and there.sha256 != row[column]:
                what = f"the table of recordings has another {column}: the cycles were cut from another file"
                yield Finding("recording-contradicts", str(path), what, extract)
    yield from _splits(audited, folders, table, corpus)
    yield from _cycles(audited, folders, table)


def pooled(audited: AuditedProject) -> Iterator[Finding]:
    """Yield tables and facts of all training corpora that the ones of each corpus do not give."""
    if "pool" not in audited.project.records:
        return
    training = {corpus.name: corpus for corpus in audited.extracted if corpus.role == "training"}
    folders = {name: audited.root / training[name].tables for name in sorted(training, key=natural)}
    with TemporaryDirectory() as folder:
        pool.pool(folders, Path(folder))
        same_facts = corpus_facts.read(Path(folder)) == corpus_facts.read(audited.root / POOL)
        for path in POOLED:
            made, kept = Path(folder) / path.name, audited.root / path
            if path in (CORPUS, LABEL_SETS) and same_facts:
                continue  # another version of Breathline may write more keys
            if kept.is_file() and _content(made) != _content(kept):
                what = f"the tables of the corpora give another one: {difference(made, kept)}"
                yield Finding("pool-contradicts", str(path), what, ("pool",))


def _content(path: Path) -> object:
    """Return the content hash of a table, or the bytes of another file."""
    return content_hash(path) or path.read_bytes()


def _splits(
    audited: AuditedProject, folders: CorpusFolders, table: Mapping[str, Mapping[str, Any]], corpus: Corpus
) -> Iterator[Finding]:
    """Yield patients whose recordings have another split than in the split file."""
    metadata = corpus.read_metadata(audited.root / folders.raw / METADATA, list(table))
    split = {recording: row.get("split") for recording, row in metadata.recordings.items()}
    moved: dict[tuple[str, str, str], list[str]] = {}
    for name, row in table.items():
        if row["split"] != split.get(name):
            moved.setdefault((row["patient_id"], str(split.get(name)), row["split"]), []).append(name)
    for (patient, old, new), names in moved.items():
        what = f"{len(names)} recordings are in {new}, the split file has them in {old}: {names[0]}"
        where = f"{folders.tables / RECORDINGS.name}: patient {patient}"
        yield Finding("split-contradicts", where, what, (folders.stage("extract"),))


def _cycles(
    audited: AuditedProject, folders: CorpusFolders, table: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """Yield patients whose cycles have other facts than their recordings."""
    faults: dict[tuple[str, str], list[str]] = {}
    columns = ["cycle_id", "recording_id", "patient_id", "split", "fold"]
    for row in audited.table(folders.tables / CYCLES.name).select(columns).to_pylist():
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
        where = f"{folders.tables / CYCLES.name}: patient {patient}"
        yield Finding("split-contradicts", where, what, (folders.stage("extract"),))


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
