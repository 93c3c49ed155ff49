"""Degenerate models: networks that predict one class for every test cycle, or find no normal or no abnormal cycle.

A model that always predicts normal has Sp 100 and Se 0; one that never does has Sp 0 and a lenient Se of 100. A few
other predictions change little. Both Scores of a degenerate model are at most 50, whatever it has learned.
"""

from collections.abc import Mapping, Sequence

from models.metrics import Counts

LEAST = 10  # normal, or abnormal, cycles; of fewer, a network may miss all by chance


def kind(confusion: Counts, classes: Sequence[str]) -> str | None:
    """Return how a model is degenerate, such as ``always normal`` or ``finds no abnormal cycle``; None if it is not.

    Args:
        confusion: Confusion matrix of one network ``(classes, classes)``: rows are labels.
        classes: Names of the classes, the normal one first.
    """
    labels, predicted = confusion.sum(1).nonzero()[0], confusion.sum(0).nonzero()[0]
    if len(labels) < 2:  # one prediction for all cycles can then be right
        return None
    if len(predicted) == 1:
        return f"always {classes[predicted[0]]}"
    if 0 in labels and 0 not in predicted:
        return f"never {classes[0]}"
    if confusion[0].sum() >= LEAST and not confusion[0, 0]:
        return f"finds no {classes[0]} cycle"
    return "finds no abnormal cycle" if confusion[1:].sum() >= LEAST and not confusion[1:, 1:].any() else None


def of_several(kinds: Mapping[str, str | None]) -> str | None:
    """Return how some of several networks are degenerate, with their names; None if none is.

    Args:
        kinds: What `kind` returns, by the name of the network, such as the seed of a student.
    """
    found: dict[str, list[str]] = {}
    for name, one in kinds.items():
        if one is not None:
            found.setdefault(one, []).append(name)
    if len(found) == 1 and sum(map(len, found.values())) == len(kinds):
        return next(iter(found))
    return "; ".join(f"{one}: {', '.join(names)}" for one, names in found.items()) or None
