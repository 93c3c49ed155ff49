"""Labels and subsets (train, val, test) of the cycles, by the settings of params.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from models.training.normalization import CycleSources
from tasks import artifacts
from tasks.runtime import corpus_facts, params, schemas
from tasks.runtime.artifact_reading import read_table
from tasks.runtime.errors import BreathlineError
from tasks.subsets.settings import ValidationSettings
from tasks.subsets.splits import SplitOf, Subset, assign

COLUMNS = ("cycle_id", "corpus", "recording_id", "patient_id", "device", "split", "fold")


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Labels and subsets of the cycles."""

    labels: str
    classes: tuple[str, ...]
    subsets: dict[str, Subset]  # by sorted `cycle_id`
    targets: dict[str, int]  # class index of each of these cycles
    patients: dict[str, str]  # patient of each of these cycles
    recordings: dict[str, str]  # recording of each cycle of the table, also of cycles without a label
    corpora: dict[str, str]  # corpus of each recording
    devices: dict[str, str]  # device of each recording, with its corpus; equal names in two corpora are two devices

    def cycles(self, *subsets: Subset) -> list[str]:
        """Return the cycles of some subsets, sorted."""
        return [cycle for cycle, subset in self.subsets.items() if subset in subsets]

    def sources(self, *subsets: Subset) -> list[CycleSources]:
        """Return for each subset the recordings and devices of its cycles.

        They include cycles without a label, if another cycle of the recording is in the subset. The mean of a recording
        is then that of all its cycles, as in a prediction for the recording.
        """
        found = []
        for subset in subsets:
            inside = {self.recordings[cycle] for cycle in self.cycles(subset)}
            cycles = [
                cycle
                for cycle, recording in self.recordings.items()
                if recording in inside and self.subsets.get(cycle, subset) == subset
            ]
            recordings = [self.recordings[cycle] for cycle in cycles]
            found.append(CycleSources(cycles, recordings, [self.devices[recording] for recording in recordings]))
        return found

    def by_subset(self) -> dict[str, list[str]]:
        """Return the sorted cycles of each subset."""
        return {subset: self.cycles(subset) for subset in get_args(Subset)}


def from_params(read: Mapping[str, Any], cycles: Path = artifacts.CYCLES) -> Assignment:
    """Return the labels and subsets of the cycles by the settings of params.yaml.

    Args:
        read: Content of params.yaml.
        cycles: Path of the table of cycles.

    Raises:
        BreathlineError: A setting is missing or not valid, or a subset would be empty.
    """
    validation = params.parse(ValidationSettings, params.section(read, "validation"), "validation")
    labels, split = params.section(read, "labels"), params.section(read, "split")
    return assign_table(cycles, labels=labels, split=split, validation=validation)


def assign_table(path: Path, *, labels: str, split: SplitOf, validation: ValidationSettings) -> Assignment:
    """Return the labels and subsets of the cycles of a table.

    Args:
        path: Path of the table of cycles, beside the label sets of its corpus.
        labels: Name of the label set.
        split: Split of all corpora, or of each by its name (see `tasks.subsets.splits.assign`).
        validation: Fraction and random seed of the validation patients.

    Raises:
        BreathlineError: The labels or the split do not exist, or a subset would be empty.
    """
    label_sets = corpus_facts.read_label_sets(path.parent)
    if labels not in label_sets:
        raise BreathlineError(
            f"There are no labels `{labels}`.", where="labels", hint=f"one of: {', '.join(label_sets)}"
        )
    known = [schemas.CYCLES.field(name) for name in COLUMNS]
    cycles = read_table(path, pa.schema([*known, pa.field(labels, pa.int8())]))
    subsets = assign(cycles, labels=labels, split=split, fraction=validation.fraction, seed=validation.seed)
    ids, corpora, recordings, people, devices = (cycles[name].to_pylist() for name in COLUMNS[:5])
    targets, patients = (dict(zip(ids, values, strict=True)) for values in (cycles[labels].to_pylist(), people))
    return Assignment(
        labels=labels,
        classes=label_sets[labels].classes,
        subsets=subsets,
        targets={cycle: targets[cycle] for cycle in subsets},
        patients={cycle: patients[cycle] for cycle in subsets},
        recordings=dict(sorted(zip(ids, recordings, strict=True))),
        corpora=dict(zip(recordings, corpora, strict=True)),
        devices={
            recording: f"{corpus}/{device}"
            for recording, corpus, device in zip(recordings, corpora, devices, strict=True)
        },
    )
