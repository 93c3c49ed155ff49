"""Targets of networks with a head for each corpus, and the mapping of native classes to the shared ones."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from models.heads import Head, Heads
from tasks.runtime.corpus_facts import LabelSet
from tasks.runtime.errors import BreathlineError
from tasks.subsets.splits import Subset

COLUMN = "target"  # index of the output that a cycle should have


def heads(cycles: pa.Table, chosen: Mapping[str, str], label_sets: Mapping[str, LabelSet], *, labels: str) -> Heads:
    """Return the head of each corpus, with the shared class that each of its classes maps to.

    A class maps to the shared class that all its cycles have, and to none if they have no shared label.

    Args:
        cycles: Table of cycles of all training corpora, with the columns of all label sets.
        chosen: Label set of each corpus's head.
        label_sets: All label sets by name.
        labels: Shared label set.

    Raises:
        BreathlineError: A corpus has no head, a label set does not exist, or its classes are no parts of shared ones.
    """
    corpora = np.asarray(cycles["corpus"].to_pylist(), dtype=object)
    shared = cycles[labels].fill_null(-1).to_numpy()
    found = {}
    for corpus in sorted(set(corpora)):
        name = chosen.get(corpus, "")
        if name not in label_sets:
            what = f"There is no label set `{name}`." if name else f"The corpus {corpus} has no head."
            raise BreathlineError(what, where=f"heads.{corpus}", hint=f"one of: {', '.join(label_sets)}")
        own = cycles[label_sets[name].column].fill_null(-1).to_numpy()
        mapping: list[int | None] = []
        for index, one in enumerate(label_sets[name].classes):
            shares = sorted({int(label) for label in shared[(corpora == corpus) & (own == index)]})
            if len(shares) > 1:
                raise BreathlineError(
                    f"Cycles of the class {one} of `{name}` have different labels in `{labels}`.",
                    where=f"heads.{corpus}",
                    hint=f"choose a label set whose classes are parts of those of `{labels}`",
                )
            mapping.append(shares[0] if shares and shares[0] >= 0 else None)
        if 0 not in mapping or not any(mapping):
            raise BreathlineError(
                f"The label set `{name}` of the corpus {corpus} has no normal or no abnormal cycles of `{labels}`.",
                where=f"heads.{corpus}",
                hint="choose another label set",
            )
        found[corpus] = Head(labels=name, classes=tuple(label_sets[name].classes), shared=tuple(mapping))
    return Heads(found)


def with_targets(cycles: pa.Table, given: Heads, label_sets: Mapping[str, LabelSet]) -> pa.Table:
    """Return the table with the column `COLUMN`: the index of the output of each cycle, null without a native label.

    Args:
        cycles: Table of cycles, with the columns of all label sets.
        given: Heads of the corpora.
        label_sets: All label sets by name.
    """
    corpora = np.asarray(cycles["corpus"].to_pylist(), dtype=object)
    targets = np.full(cycles.num_rows, -1, dtype=np.int16)
    for corpus, columns in given.columns():
        own = cycles[label_sets[given.by_corpus[corpus].labels].column].fill_null(-1).to_numpy()
        labelled = (corpora == corpus) & (own >= 0)
        targets[labelled] = own[labelled] + columns.start
    return cycles.append_column(COLUMN, pa.array(targets, mask=targets < 0))


def tests(cycles: pa.Table, subsets: Mapping[str, Subset]) -> dict[str, list[str]]:
    """Return the sorted test cycles of each corpus.

    Args:
        cycles: Table of cycles.
        subsets: Subset of each cycle with a native label.
    """
    found: dict[str, list[str]] = {}
    for cycle, corpus in zip(cycles["cycle_id"].to_pylist(), cycles["corpus"].to_pylist(), strict=True):
        if subsets.get(cycle) == "test":
            found.setdefault(corpus, []).append(cycle)
    return {corpus: sorted(ids) for corpus, ids in sorted(found.items())}


def without_unshared_tests(cycles: pa.Table, subsets: Mapping[str, Subset], labels: str) -> dict[str, Subset]:
    """Return the subsets without test cycles that have no shared label.

    Args:
        cycles: Table of cycles.
        subsets: Subset of each cycle with a native label.
        labels: Shared label set.
    """
    shared = dict(zip(cycles["cycle_id"].to_pylist(), cycles[labels].to_pylist(), strict=True))
    return {cycle: subset for cycle, subset in subsets.items() if subset != "test" or shared[cycle] is not None}
