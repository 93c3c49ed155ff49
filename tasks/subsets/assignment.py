"""Labels and subsets (train, val, test) of the cycles, by the settings of params.yaml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import pyarrow as pa

from models.heads import Heads
from models.training.normalization import CycleSources
from tasks import artifacts
from tasks.runtime import corpus_facts, params, schemas
from tasks.runtime.artifact_reading import read_table
from tasks.runtime.errors import BreathlineError
from tasks.runtime.value_types import Name
from tasks.subsets import native_labels
from tasks.subsets.settings import ValidationSettings
from tasks.subsets.splits import SplitOf, Subset, assign

COLUMNS = ("cycle_id", "corpus", "recording_id", "patient_id", "device", "split", "fold")


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Labels and subsets of the cycles.

    With a head for each corpus, each cycle has a label of its corpus's own label set. A test cycle has one of the
    shared label set, too.
    """

    labels: str  # shared label set, by which models are judged
    classes: tuple[str, ...]
    subsets: dict[str, Subset]  # by sorted `cycle_id`
    targets: dict[str, int]  # index of the output that each of these cycles should have
    patients: dict[str, str]  # patient of each of these cycles
    recordings: dict[str, str]  # recording of each cycle of the table, also of cycles without a label
    corpora: dict[str, str]  # corpus of each recording
    devices: dict[str, str]  # device of each recording, with its corpus; equal names in two corpora are two devices
    heads: Heads | None = None  # head of each corpus; None: one head for all
    native_tests: dict[str, list[str]] = field(default_factory=dict)  # test cycles with a native label, by corpus

    @property
    def outputs(self) -> int:
        """Number of outputs of a network: classes of the shared label set, or of all heads."""
        return len(self.classes) if self.heads is None else self.heads.outputs

    def cycles(self, *subsets: Subset) -> list[str]:
        """Return the cycles of some subsets, sorted."""
        return [cycle for cycle, subset in self.subsets.items() if subset in subsets]

    def corpora_of(self, cycles: Iterable[str]) -> list[str]:
        """Return the corpus of each of some cycles."""
        return [self.corpora[self.recordings[cycle]] for cycle in cycles]

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
    heads = params.parse(dict[Name, Name], params.section(read, "heads"), "heads")
    return assign_table(cycles, labels=labels, split=split, validation=validation, heads=heads)


def assign_table(
    path: Path,
    *,
    labels: str,
    split: SplitOf,
    validation: ValidationSettings,
    heads: Mapping[str, str] = MappingProxyType({}),
) -> Assignment:
    """Return the labels and subsets of the cycles of a table.

    Args:
        path: Path of the table of cycles, beside the label sets of its corpus.
        labels: Name of the label set.
        split: Split of all corpora, or of each by its name (see `tasks.subsets.splits.assign`).
        validation: Fraction and random seed of the validation patients.
        heads: Label set of each corpus's own head; empty: one head for all.

    Raises:
        BreathlineError: The labels or the split do not exist, or a subset would be empty.
    """
    label_sets = corpus_facts.read_label_sets(path.parent)
    if labels not in label_sets:
        raise BreathlineError(
            f"There is no label set `{labels}`.", where="labels", hint=f"one of: {', '.join(label_sets)}"
        )
    known = [schemas.CYCLES.field(name) for name in COLUMNS]
    own = sorted({label_sets[name].column for name in heads.values() if name in label_sets} - {labels})
    cycles = read_table(path, pa.schema([*known, *(pa.field(name, pa.int8()) for name in (labels, *own))]))
    given, column = None, labels
    if heads:
        given = native_labels.heads(cycles, heads, label_sets, labels=labels)
        column, cycles = native_labels.COLUMN, native_labels.with_targets(cycles, given, label_sets)
    subsets = assign(cycles, labels=column, split=split, fraction=validation.fraction, seed=validation.seed)
    native_tests = native_labels.tests(cycles, subsets) if heads else {}
    if heads:
        subsets = native_labels.without_unshared_tests(cycles, subsets, labels)
    ids, corpora, recordings, people, devices = (cycles[name].to_pylist() for name in COLUMNS[:5])
    targets, patients = (dict(zip(ids, values, strict=True)) for values in (cycles[column].to_pylist(), people))
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
        heads=given,
        native_tests=native_tests,
    )
