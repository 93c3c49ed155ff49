"""Predictions that `evaluate` recorded, each with the test cycles that they are on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineage.verify.audited_project import AuditedProject
from models.training.normalization import CycleSources
from tasks.artifacts import (
    CYCLES,
    EXTERNAL_CORPORA,
    EXTERNAL_PREDICTIONS,
    FEATURE_CACHES,
    NATIVE_PREDICTIONS,
    PREDICTIONS,
    RECORDINGS,
    CorpusFolders,
)
from tasks.evaluation import by_corpus, native
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation.predictions import Predictions
from tasks.runtime import corpus_facts
from tasks.subsets.assignment import Assignment


@dataclass(frozen=True)
class RecordedTest:
    """Recorded predictions on some test cycles.

    Attributes:
        title: Title for the finding.
        ids: The test cycles, sorted.
        sources: Their recordings and devices.
        features: Folder of the feature caches.
        kept: Recorded predictions of all models.
        external: Name of the external corpus; none of training corpora.
        native: Corpus whose own classes are predicted; None for the shared ones.
    """

    title: str
    ids: Sequence[str]
    sources: Sequence[CycleSources]
    features: Path
    kept: Sequence[Predictions]
    external: str = ""
    native: str | None = None


def tests(audited: AuditedProject, assigned: Assignment, found: Mapping[str, Any]) -> Iterator[RecordedTest]:
    """Yield the tests on training corpora, on external ones, and by each head in its own classes.

    Args:
        audited: Project that is verified.
        assigned: Labels and subsets of the cycles.
        found: Record of `evaluate`.
    """
    given, features = found["params"], audited.root / FEATURE_CACHES
    recorded = read(audited, found)
    yield RecordedTest("predictions", assigned.cycles("test"), assigned.sources("test"), features, recorded)
    for corpus, ids in audited.tested(given["labels"]).items():
        sources = [_sources(audited.table(corpus.tables / CYCLES.name), ids)]
        recorded = read(audited, found, corpus.name)
        caches = (audited.root / corpus.features("*")).parent
        yield RecordedTest(f"predictions on {corpus.name}", ids, sources, caches, recorded, external=corpus.name)
    facts = corpus_facts.read(audited.root / corpus_facts.FOLDER)
    for name, one in native.tested(assigned, facts, given["split"], root=audited.root).items():
        ids = one.cycles["cycle_id"].to_list()
        sources = [_sources(audited.table(CYCLES), ids)]
        recorded = native.read_predictions(audited.table(NATIVE_PREDICTIONS), name, audited.decision_rules(name))
        yield RecordedTest(f"predictions by the head of {name}", ids, sources, features, recorded, native=name)


def _sources(cycles: pa.Table, ids: Sequence[str]) -> CycleSources:
    return by_corpus.sources_of(cycles, pc.is_in(cycles["cycle_id"], pa.array(ids)).to_numpy())


def tested(
    audited: AuditedProject, corpus: CorpusFolders, ids: list[str], found: Mapping[str, Any]
) -> by_corpus.Tested:
    """Return the recorded predictions on the test cycles of an external corpus.

    Args:
        audited: Project that is verified.
        corpus: Folders of the corpus.
        ids: Its test cycles.
        found: Record of `evaluate`.
    """
    folder, labels = audited.root / corpus.tables, found["params"]["labels"]
    facts = corpus_facts.read(folder)
    groups = [group.column for group in facts.group_columns]
    tables = (folder / CYCLES.name, folder / RECORDINGS.name)
    return by_corpus.Tested(
        facts=facts,
        labels=labels,
        test=audited.json(EXTERNAL_CORPORA)[corpus.name],
        cycles=test_cycles.read(*tables, ids=ids, labels=labels, groups=groups),
        predictions=read(audited, found, corpus.name),
    )


def read(audited: AuditedProject, found: Mapping[str, Any], external: str = "") -> list[Predictions]:
    """Return the recorded predictions on the training corpora, or on an external one by its name."""
    known, classes = audited.decision_rules(), found["decisions"]["classes"]
    if external:
        predicted = audited.table(EXTERNAL_PREDICTIONS)
        table = predicted.filter(pc.equal(predicted["corpus"], external)).to_pydict()
    else:
        table = audited.table(PREDICTIONS).to_pydict()
    columns = [table[f"p_{name}"] for name in classes]
    by_model: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for model, selection, *row in zip(table["model"], table["selection"], *columns, strict=True):
        by_model.setdefault((model, selection), []).append(tuple(row))
    return [Predictions(*key, np.array(rows, dtype=np.float32)[None], (known[key],)) for key, rows in by_model.items()]
