"""Checks of the numbers of patients, recordings and cycles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.checks import expectations
from tasks.checks.check import Check, of_cycle, of_recording
from tasks.checks.gx import core
from tasks.corpora.expectations import Count, Expectations, Table
from tasks.runtime.corpus_facts import LabelSet

DISAGREE = "run `extract` again: its summary and its tables disagree"
KEYED = {"recordings": of_recording, "cycles": of_cycle}


def checks(
    table: Table, expected: Expectations, label_sets: Mapping[str, LabelSet], summary: Mapping[str, Any]
) -> list[Check]:
    """Return the checks of the numbers in one table.

    Args:
        table: The table: recordings or cycles.
        expected: The expectations of the corpus. Without promised totals the numbers are those that `extract` counted.
        label_sets: The label sets of the corpus.
        summary: The summary that `extract` wrote.
    """
    if expected.totals:
        totals, counts, hint = expected.totals, expected.counts, expected.counts_hint
    else:
        totals = {"recordings": summary["recordings"], "cycles": summary["cycles"]}
        counts, hint = tuple(_cycles_per_class(labels, summary) for labels in label_sets), DISAGREE
    keyed = KEYED[table]
    rows = totals[table]
    found = [
        keyed(
            f"{table}_count",
            "counts",
            core.ExpectTableRowCountToEqual,
            f"There are {rows} {table}.",
            hint,
            value=rows,
        )
    ]
    if table == "recordings" and "patients" in totals:
        patients = totals["patients"]
        found.append(
            keyed(
                "patients_count",
                "counts",
                core.ExpectColumnUniqueValueCountToBeBetween,
                f"There are {patients} patients.",
                hint,
                column="patient_id",
                min_value=patients,
                max_value=patients,
            )
        )
    classes = {one.column: list(one.classes) for one in label_sets.values()}
    for count in counts:
        if count.table == table:
            numbers = ", ".join(f"{number} {group}" for group, number in count.counts.items())
            found.append(
                keyed(
                    count.name,
                    "counts",
                    expectations.ExpectGroupCounts,
                    f"There are {numbers} {count.noun}.",
                    hint,
                    groups=list(count.groups),
                    distinct=count.distinct,
                    promised=dict(count.counts),
                    classes={column: classes[column] for column in count.groups if column in classes},
                )
            )
    return found


def _cycles_per_class(labels: str, summary: Mapping[str, Any]) -> Count:
    """Return the number of cycles of each split side and class, as `extract` counted them."""
    counts = {
        f"{side} {name}": count
        for side, by_labels in summary["classes"].items()
        for name, count in by_labels[labels].items()
        if count
    }
    return Count(name=f"cycles_per_{labels}", table="cycles", groups=("split", labels), counts=counts, noun="cycles")
