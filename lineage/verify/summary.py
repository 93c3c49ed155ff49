"""What is shown of many findings: the first of each kind, how many more there are, and groups of stages by one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lineage.verify.findings import Finding

SHOWN = 10  # findings of one kind


def first(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the first findings of each kind, in their order."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.kind] += 1
        if seen[finding.kind] <= SHOWN:
            yield finding


def left(findings: Sequence[Finding]) -> dict[str, int]:
    """Return how many findings `first` leaves out, by kind."""
    counts = Counter(finding.kind for finding in findings)
    return {kind: count - SHOWN for kind, count in counts.items() if count > SHOWN}


def grouped(stages: Sequence[str]) -> list[str]:
    """Return stages by name; the items of a group as one, with their number: ``train_student (5)``."""
    groups: dict[str, list[str]] = {}
    for stage in stages:
        groups.setdefault(stage.partition("@")[0], []).append(stage)
    return [names[0] if len(names) == 1 else f"{group} ({len(names)})" for group, names in groups.items()]
