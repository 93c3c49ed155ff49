"""Statements about the corpora for exports: identity, source, terms of use, intended use, limits."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lineage.project import Project
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.exporting import statements
from tasks.runtime import corpus_facts
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.corpus_facts import PATIENT, CorpusFacts
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import natural
from tasks.runtime.words import counted

LICENCE = "MIT"  # of the code, and of the statements that it writes about data and models
RAI = "http://mlcommons.org/croissant/RAI/1.0"
TESTED_ONLY = "Test data only: no model has learned from them."


@dataclass(frozen=True, kw_only=True)
class Part:
    """One corpus of a project."""

    folders: CorpusFolders
    facts: CorpusFacts  # facts, with the limits of the current recordings
    source: Mapping[str, Any]  # facts of the source
    patients: int  # number of patients
    recordings: int  # number of recordings
    cycles: int  # number of cycles
    dropped: Mapping[str, int]  # number of recordings and cycles that were left out, by reason

    @property
    def external(self) -> bool:
        """True if the corpus is only tested on."""
        return self.folders.role == "external"

    @property
    def terms(self) -> str:
        """The terms of use in words."""
        return statements.terms(self.facts)


def parts(project: Project) -> list[Part]:
    """Return the corpora of both roles that have been extracted, those to learn from first.

    Raises:
        BreathlineError: A file is missing or damaged.
    """
    extracted = [one for one in project.corpora if one.stage("extract") in project.records]
    return [_part(project, folders) for folders in extracted]


def _part(project: Project, folders: CorpusFolders) -> Part:
    facts = corpus_facts.read(project.root / folders.tables)
    rows = read_table(existing_table(project, folders.tables / artifacts.RECORDINGS.name)).to_pylist()
    names = [folders.stage(work) for work in ("download", "extract")]
    accounts = [project.records[name]["account"].get("dropped", {}) for name in names if name in project.records]
    return Part(
        folders=folders,
        facts=replace(facts, limits=(*facts.limits, *limits(rows, facts.splits, facts.patient))),
        source=read_json(project.root / folders.raw / artifacts.SOURCE),
        patients=len({row["patient_id"] for row in rows}),
        recordings=len(rows),
        cycles=sum(row["cycles"] for row in rows),
        dropped={reason: len(ids) for account in accounts for reason, ids in account.items()},
    )


def about_raw(project: Project) -> dict[str, dict[str, Any]]:
    """Return role, source, licence and citation of each corpus, as far as known, by the path of its recordings."""
    return {folders.raw.as_posix(): _about(project.root, folders) for folders in project.corpora}


def _about(root: Path, folders: CorpusFolders) -> dict[str, Any]:
    about: dict[str, Any] = {"corpus": folders.name, "role": folders.role}
    if (path := root / folders.raw / artifacts.SOURCE).is_file():
        source = read_json(path)
        about |= {"source": source.get("source"), "archive": (source.get("archive") or {}).get("name")}
    if (root / folders.tables / artifacts.CORPUS.name).is_file():
        facts = corpus_facts.read(root / folders.tables)
        about |= {"format": facts.format, "identity": facts.identity.statement, "citation": facts.citation}
        about |= {"licence": facts.licence.name if facts.licence else None}
    return {key: value for key, value in about.items() if value is not None}


def read(project: Project) -> CorpusFacts:
    """Return the facts of a project's training corpora, with the limits of their current recordings.

    Raises:
        BreathlineError: `pool` has not run, or a file is missing.
    """
    if "pool" not in project.records:
        raise BreathlineError("There are no cycles yet.", where=project.root / artifacts.POOL, hint="`breathline run`")
    facts = corpus_facts.read(project.root / corpus_facts.FOLDER)
    recordings = read_table(existing_table(project, artifacts.RECORDINGS)).to_pylist()
    return replace(facts, limits=(*facts.limits, *limits(recordings, facts.splits, facts.patient)))


def existing_table(project: Project, path: str | Path) -> Path:
    """Return the file of a recorded table.

    Raises:
        BreathlineError: The file is missing.
    """
    file = project.root / path
    if not file.is_file():
        raise BreathlineError("A recorded table is missing.", where=path, hint="`dvc pull`, or `dvc repro`")
    return file


def both_sides(recordings: Sequence[dict[str, Any]]) -> list[str]:
    """Return the patients with recordings on more than one side of the official split, sorted."""
    sides: dict[str, set[str]] = {}
    for row in recordings:
        sides.setdefault(row["patient_id"], set()).add(row["split"])
    return sorted((patient for patient, found in sides.items() if len(found) > 1), key=natural)


def limits(recordings: Sequence[dict[str, Any]], splits: Collection[str], patient: str = PATIENT) -> list[str]:
    """Return sentences about the limits of the current recordings: counts, the most frequent diagnosis, the split.

    Args:
        recordings: Rows of the table of recordings.
        splits: Names of the corpus's splits.
        patient: Noun for what `patient_id` stands for.
    """
    patients = {row["patient_id"] for row in recordings}
    devices = {row["device"] for row in recordings if row["device"]}
    counts = f"{counted(len(patients), patient)} with {counted(len(recordings), 'recording')}"
    devices_used = f" by {counted(len(devices), 'device')}" if devices else ""
    found = [f"The recordings are of {counts}{devices_used}."]
    known = Counter(row["diagnosis"] for row in recordings if row["diagnosis"])
    if known:
        diagnosis = min(known, key=lambda name: (-known[name], name))
        ill = {row["patient_id"] for row in recordings if row["diagnosis"] == diagnosis}
        found.append(
            f"The most frequent diagnosis is {diagnosis}: "
            f"{counted(len(ill), 'patient')} with {counted(known[diagnosis], 'recording')}."
        )
    if both := both_sides(recordings):
        who = f"{patient} {both[0]} is" if len(both) == 1 else f"{patient}s {', '.join(both)} are"
        if "official-disjoint" in splits:
            where = f"In the split `official`, {who} on both sides; `official-disjoint` keeps them out of training."
        else:
            where = f"In the published division, {who} on more than one side."
        found.append(where)
    return found
