"""Expectations of a corpus: the facts that `validate` compares the tables with.

An adapter fills in what it knows. `tasks.checks` adds the checks that hold for every corpus.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Table = Literal["recordings", "cycles"]


@dataclass(frozen=True, kw_only=True)
class NameRule:
    """Form of the recordings' names.

    Attributes:
        pattern: Regular expression of a whole name.
        parts: Columns whose values, joined by underscores, make the name.
        meaning: Sentence about the form.
        hint: What to do with another name.
    """

    pattern: str
    parts: tuple[str, ...]
    meaning: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class LabelRule:
    """Derivation of label columns from other columns.

    Attributes:
        name: Name of the check.
        meaning: Sentence about the derivation.
        sources: Columns of the table of cycles, or `diagnosis` of the recording.
        classes: Class index of each label column by the values of the sources, joined by blanks. The label is
            null for all other values.
    """

    name: str
    meaning: str
    sources: tuple[str, ...]
    classes: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, kw_only=True)
class KnownRule:
    """Metadata of a patient that should be known: all columns of at least one alternative."""

    name: str
    meaning: str
    alternatives: tuple[tuple[str, ...], ...]

    @property
    def columns(self) -> list[str]:
        """Return the columns of all alternatives."""
        return [column for alternative in self.alternatives for column in alternative]


@dataclass(frozen=True, kw_only=True)
class UsualValues:
    """Usual values of a column of the table of recordings; null where no values are given."""

    name: str
    column: str
    values: tuple[Any, ...] | None
    meaning: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class Count:
    """Published number of rows, or of distinct values of a column, in every group.

    Attributes:
        name: Name of the check.
        table: Table that is counted.
        groups: Columns whose values make the groups.
        counts: Number by group. A group is named by its values joined by blanks, a label by the name of its class.
        distinct: Column whose distinct values are counted instead of rows.
        noun: Word for what is counted.
    """

    name: str
    table: Table
    groups: tuple[str, ...]
    counts: Mapping[str, int]
    noun: str
    distinct: str | None = None


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """Expectations of one corpus.

    Attributes:
        name: Pattern of the recordings' names.
        required: Columns without missing values, by table, beside those that every corpus needs.
        domains: Allowed values of columns, by table.
        patient_columns: Columns with one value for all recordings of a patient.
        ranges: Column of each range in `validate.ranges` of params.yaml, if it has another name.
        labels: Derivations of label columns.
        shared_sides: Values of the column `split` whose patients the publisher has in train as well.
        whole_recordings: Whether a cycle is a whole recording, so that no length is unusual.
        apart: Whether cycles of a recording do not overlap.
        overlapping: Values of columns of cycles that may overlap, as the publisher's do.
        without_cycles: Values of columns of recordings that need no cycle.
        known: Metadata that should be known of every patient.
        usual: Usual values of the published recordings.
        totals: Published numbers of `recordings`, `patients` and `cycles`; empty if the publisher gives none.
        counts: Published numbers by group.
        counts_hint: Advice for the reader if the numbers differ.
    """

    name: NameRule | None = None
    required: Mapping[Table, tuple[str, ...]] = field(default_factory=dict)
    domains: Mapping[Table, Mapping[str, tuple[Any, ...]]] = field(default_factory=dict)
    patient_columns: tuple[str, ...] = ()
    ranges: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[LabelRule, ...] = ()
    shared_sides: tuple[str, ...] = ()
    whole_recordings: bool = False
    apart: bool = True
    overlapping: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    without_cycles: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    known: tuple[KnownRule, ...] = ()
    usual: tuple[UsualValues, ...] = ()
    totals: Mapping[str, int] = field(default_factory=dict)
    counts: tuple[Count, ...] = ()
    counts_hint: str = ""
