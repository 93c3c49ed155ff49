"""Summary of many findings: the first of each kind, the number of the others, and groups of stages."""

from collections import Counter
from collections.abc import Iterator, Sequence

from lineage.verify.findings import Finding

LIMIT = 10  # findings of one kind that are shown


def first(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the first findings of each kind, in their order."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.kind] += 1
        if seen[finding.kind] <= LIMIT:
            yield finding


def omitted_counts(findings: Sequence[Finding]) -> dict[str, int]:
    """Return the number of findings that `first` omits, by kind."""
    counts = Counter(finding.kind for finding in findings)
    return {kind: count - LIMIT for kind, count in counts.items() if count > LIMIT}


def grouped(stages: Sequence[str]) -> list[str]:
    """Return the names of stages, with the items of a group as one entry: ``train_student (5)``."""
    groups: dict[str, list[str]] = {}
    for stage in stages:
        groups.setdefault(stage.partition("@")[0], []).append(stage)
    return [names[0] if len(names) == 1 else f"{group} ({len(names)})" for group, names in groups.items()]
