"""Suites of checks: `templates/checks.yaml.j2`, rendered for the settings and the expectations of a corpus."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ruamel.yaml import YAML

from tasks.checks.check import Check
from tasks.checks.settings import CheckSettings
from tasks.checks.usability import LIMITS
from tasks.corpora.expectations import Count, Expectations
from tasks.runtime import templates
from tasks.runtime.corpus_facts import PATIENT, CorpusFacts

DISAGREE = "run `extract` again: its summary and its tables disagree"
KEYS = {"recordings": "recording_id", "cycles": "cycle_id"}


def suites(
    settings: CheckSettings, facts: CorpusFacts, expected: Expectations, summary: Mapping[str, Any]
) -> dict[str, list[Check]]:
    """Return the checks of each table, in the order of the verdicts.

    Args:
        settings: Thresholds and severities.
        facts: Names, label sets and other facts of the corpus.
        expected: The expectations of the corpus. Without published totals, the numbers that `extract` counted are used.
        summary: Content of the summary that `extract` wrote: counts and missing values.
    """
    label_sets = facts.label_sets
    totals, counts, hint = expected.totals, expected.counts, expected.counts_hint
    if not totals:
        totals = {"recordings": summary["recordings"], "cycles": summary["cycles"]}
        counts, hint = tuple(_cycles_per_class(labels, summary) for labels in label_sets), DISAGREE
    derived = {column for rule in expected.labels for column in rule.classes}
    classes = {one.column: one.classes for one in label_sets.values()}
    labels = {column: range(len(names)) for column, names in classes.items() if column not in derived}
    text = templates.render(
        __package__,
        "checks.yaml.j2",
        settings=asdict(settings),
        expected=expected,
        both_sides=facts.patients_on_both_sides,
        patient=facts.patient,
        patients_known=facts.patient == PATIENT,
        splits=list(facts.splits),
        split_file=facts.split_file,
        missing=summary["missing"],
        classes=classes,
        cycle_domains={**expected.domains.get("cycles", {}), **{name: list(known) for name, known in labels.items()}},
        totals=totals,
        counts=counts,
        counts_hint=hint,
        limits=LIMITS,
    )
    loaded = YAML(typ="safe").load(text)
    return {table: [Check(**{"key": key} | one) for one in loaded[table]] for table, key in KEYS.items()}


def _cycles_per_class(labels: str, summary: Mapping[str, Any]) -> Count:
    """Return the check that each side of the split has as many cycles of each class as `extract` counted."""
    counts = {
        f"{side} {name}": count
        for side, by_labels in summary["classes"].items()
        for name, count in by_labels[labels].items()
        if count
    }
    return Count(name=f"cycles_per_{labels}", table="cycles", groups=("split", labels), counts=counts, noun="cycles")
