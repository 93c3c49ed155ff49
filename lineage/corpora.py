"""Corpora of a project, and ids that tell the rows of an external corpus from those of the training corpora."""

from collections.abc import Iterable

from tasks import artifacts
from tasks.artifacts import CorpusFolders

SEPARATOR = ":"


def of_stages(stages: Iterable[str]) -> tuple[CorpusFolders, ...]:
    """Return the corpora that stages extract, those to learn from first."""
    found = (artifacts.corpus_of(stage) for stage in stages)
    corpora = [corpus for work, corpus, _ in filter(None, found) if work == "extract"]
    return tuple(sorted(corpora, key=lambda corpus: corpus.role != "training"))


def qualified(corpus: CorpusFolders, id_: str) -> str:
    """Return the id of a cycle, recording or patient in the whole project: `hospital:101` of an external corpus.

    Ids of training corpora stay as they are, because no two of these corpora share one.
    """
    return id_ if corpus.role == "training" else f"{corpus.name}{SEPARATOR}{id_}"


def unqualified(corpus: CorpusFolders, id_: str) -> str:
    """Return the id in the corpus's own tables and file names."""
    return id_ if corpus.role == "training" else id_.removeprefix(f"{corpus.name}{SEPARATOR}")
