"""Heads of a network, one for each training corpus, and the mapping of their classes to the shared classes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

KEY = "heads"  # of ``model.json``; missing with one head

Logits = npt.NDArray[np.float32]
LEAST = np.float32(np.finfo(np.float32).tiny)  # probability of a shared class that no class of a head maps to


@dataclass(frozen=True, kw_only=True)
class Head:
    """Head of one corpus.

    Attributes:
        labels: Label set of the corpus.
        classes: Its classes, the normal one first.
        shared: Index of the shared class that each class maps to; None if it maps to none.
    """

    labels: str
    classes: tuple[str, ...]
    shared: tuple[int | None, ...]


@dataclass(frozen=True)
class Heads:
    """Heads of a network by corpus, in the order of their columns in its output."""

    by_corpus: Mapping[str, Head]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of classes of each head; empty with one head for all corpora."""
        return tuple(len(head.classes) for head in self.by_corpus.values())

    @property
    def outputs(self) -> int:
        """Number of classes of all heads."""
        return sum(self.sizes)

    @property
    def names(self) -> list[str]:
        """Names of the outputs: corpus, ``/`` and class."""
        return [f"{corpus}/{name}" for corpus, head in self.by_corpus.items() for name in head.classes]

    def columns(self) -> Iterator[tuple[str, slice]]:
        """Yield the name of each corpus and the columns of its head in the output."""
        start = 0
        for corpus, head in self.by_corpus.items():
            yield corpus, slice(start, start + len(head.classes))
            start += len(head.classes)

    def native(self, logits: Logits, corpus: str) -> Logits:
        """Return the logits ``(cycles, classes of the head)`` of one head.

        Args:
            logits: Output ``(cycles, outputs)`` of the network.
            corpus: Corpus of the head.
        """
        return logits[:, dict(self.columns())[corpus]]

    def shared(self, logits: Logits, corpora: Sequence[str] | None, classes: int) -> Logits:
        """Return log-probabilities ``(cycles, classes)`` of the shared classes, float32.

        The probability of a shared class is the sum over the head's classes that map to it. Classes that map to none
        are left out, and the rest is scaled to the sum 1. A cycle of a training corpus is judged by its own head, and
        others by the mean over all heads.

        Args:
            logits: Output ``(cycles, outputs)`` of the network.
            corpora: Corpus of each cycle; None for cycles of other corpora.
            classes: Number of shared classes.
        """
        by_head = {
            corpus: _shared(logits[:, columns], self.by_corpus[corpus].shared, classes)
            for corpus, columns in self.columns()
        }
        if corpora is None:
            probabilities = np.mean(list(by_head.values()), axis=0)
        else:
            probabilities = np.full((len(logits), classes), np.nan)
            for corpus, found in by_head.items():
                own = np.array([one == corpus for one in corpora], dtype=bool)
                probabilities[own] = found[own]
        return np.asarray(np.log(np.maximum(probabilities, LEAST)), dtype=np.float32)

    def card(self) -> dict[str, Any]:
        """Return the entry of ``model.json``."""
        return {corpus: asdict(head) for corpus, head in self.by_corpus.items()}

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> "Heads | None":
        """Return the heads that a ``model.json`` describes, or None for a network with one head."""
        if KEY not in card:
            return None
        found = {
            corpus: Head(labels=head["labels"], classes=tuple(head["classes"]), shared=tuple(head["shared"]))
            for corpus, head in card[KEY].items()
        }
        return cls(dict(sorted(found.items())))


def _shared(logits: Logits, mapping: Sequence[int | None], classes: int) -> npt.NDArray[np.float64]:
    """Return the probabilities ``(cycles, classes)`` of shared classes from the logits of one head."""
    maps = np.zeros((len(mapping), classes))
    for index, one in enumerate(mapping):
        if one is not None:
            maps[index, one] = 1
    known = maps.any(axis=1)
    given = logits[:, known].astype(np.float64)
    shares = np.exp(given - given.max(axis=1, keepdims=True))
    return np.asarray(shares @ maps[known] / shares.sum(axis=1, keepdims=True))
