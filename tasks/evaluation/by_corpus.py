"""Figures of each corpus apart: those of the test side of training corpora, and those of external corpora."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from models.training.normalization import CycleSources
from models.training.settings import ComputeSettings, Selection
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation import model_rules
from tasks.evaluation.evaluator import Evaluator
from tasks.evaluation.inference import assemble, predict_all
from tasks.evaluation.predictions import Predictions, table
from tasks.evaluation.settings import EvaluationSettings
from tasks.evaluation.summary import about, summarize
from tasks.runtime import corpus_facts
from tasks.runtime.artifact_reading import read_json, read_table
from tasks.runtime.corpus_facts import CorpusFacts
from tasks.runtime.errors import BreathlineError
from tasks.subsets.splits import cycles_to_test


@dataclass(frozen=True, kw_only=True)
class Tested:
    """Predictions on the cycles of one corpus: an external one, or a training corpus by its own head.

    Attributes:
        facts: Facts of the corpus.
        labels: Label set by which the predictions are judged.
        test: Test side, or ``all``.
        cycles: The cycles (`tasks.evaluation.cycles`).
        predictions: Predictions of all models on them.
    """

    facts: CorpusFacts
    labels: str
    test: str
    cycles: pl.DataFrame
    predictions: Sequence[Predictions]

    def with_predictions(self, predictions: Sequence[Predictions]) -> "Tested":
        """Return a copy with other predictions."""
        return replace(self, predictions=predictions)


def of_training(
    cycles: pl.DataFrame,
    predictions: Sequence[Predictions],
    facts: CorpusFacts,
    *,
    labels: str,
    split: Any,
    ensemble: Sequence[str],
    baselines: Sequence[str],
    settings: EvaluationSettings,
) -> dict[str, Any]:
    """Return the figures on the test cycles of each training corpus by its name; nothing if there is only one.

    Args:
        cycles: The test cycles of all training corpora.
        predictions: Predictions of all models on them.
        facts: Facts of the training corpora.
        labels: The label set.
        split: `split` of params.yaml.
        ensemble: The names of the ensemble's members.
        baselines: The names of the baselines.
        settings: The settings of the evaluation.
    """
    found = {}
    for part in facts.parts:
        mask = (cycles["corpus"] == part.name).to_numpy()
        own_split = split.get(part.name) if isinstance(split, Mapping) else split
        found[part.name] = figures(
            part,
            labels=labels,
            split=own_split,
            cycles=cycles.filter(mask),
            predictions=[one.select(mask) for one in predictions],
            ensemble=ensemble,
            baselines=baselines,
            settings=settings,
        )
    return found


def of_tested(
    tested: Mapping[str, Tested], settings: EvaluationSettings, ensemble: Sequence[str], baselines: Sequence[str]
) -> dict[str, Any]:
    """Return the figures on each external corpus, or of each corpus's own head, by the name of the corpus.

    Args:
        tested: Predictions on each corpus.
        settings: The settings of the evaluation.
        ensemble: The names of the ensemble's members.
        baselines: The names of the baselines.
    """
    return {
        name: figures(
            one.facts,
            labels=one.labels,
            split=one.test,
            cycles=one.cycles,
            predictions=one.predictions,
            ensemble=ensemble,
            baselines=baselines,
            settings=settings,
        )
        for name, one in tested.items()
    }


def predict_external(
    folders: Mapping[str, Path],
    *,
    labels: str,
    classes: Sequence[str],
    ensemble: Sequence[str],
    selections: Sequence[Selection],
    compute: ComputeSettings,
    shifts: int,
) -> dict[str, Tested]:
    """Return the predictions of every model on every external corpus, by the name of the corpus.

    Args:
        folders: The folder of each model, by its name.
        labels: The label set.
        classes: Names of the classes that the models know.
        ensemble: The names of the ensemble's members.
        selections: The selections of epochs to evaluate.
        compute: Device and precision.
        shifts: Number of shifted clips of each cycle.

    Raises:
        BreathlineError: A corpus has no such labels, or other classes, or no test cycle.
    """
    return {
        name: _predict(
            CorpusFolders("external", name),
            test,
            folders,
            labels=labels,
            classes=classes,
            ensemble=ensemble,
            selections=selections,
            compute=compute,
            shifts=shifts,
        )
        for name, test in read_json(artifacts.EXTERNAL_CORPORA).items()
    }


def figures(
    facts: CorpusFacts,
    *,
    labels: str,
    split: Any,
    cycles: pl.DataFrame,
    predictions: Sequence[Predictions],
    ensemble: Sequence[str],
    baselines: Sequence[str],
    settings: EvaluationSettings,
) -> dict[str, Any]:
    """Return the figures of all models on the test cycles of one corpus.

    Args:
        facts: Facts of the corpus.
        labels: A label set of the corpus.
        split: Its split, or ``all``.
        cycles: The test cycles.
        predictions: Predictions of all models on them.
        ensemble: The names of the ensemble's members.
        baselines: The names of the baselines.
        settings: The settings of the evaluation.
    """
    classes = facts.label_sets[labels].classes
    evaluator = Evaluator(cycles, classes, settings, groups=_groups(facts), metrics=facts.metrics_of(labels))
    return {"title": facts.title, **summarize(evaluator, predictions, about(facts, labels, split), ensemble, baselines)}


def _predict(
    corpus: CorpusFolders,
    test: str,
    models: Mapping[str, Path],
    *,
    labels: str,
    classes: Sequence[str],
    ensemble: Sequence[str],
    selections: Sequence[Selection],
    compute: ComputeSettings,
    shifts: int,
) -> Tested:
    """Return the predictions of every model on the test cycles of an external corpus."""
    facts = corpus_facts.read(corpus.tables)
    known = facts.label_sets.get(labels)
    if known is None or tuple(known.classes) != tuple(classes):
        has = "no" if known is None else "other classes of the"
        raise BreathlineError(
            f"The external corpus {corpus.name} has {has} labels `{labels}`.",
            where=f"params.yaml: external.{corpus.name}",
            hint=f"train on one of its label sets: {', '.join(facts.label_sets)}",
        )
    paths = corpus.tables / artifacts.CYCLES.name, corpus.tables / artifacts.RECORDINGS.name
    annotated = read_table(paths[0])
    mask = cycles_to_test(annotated, labels=labels, split=test, where=f"external.{corpus.name}.test")
    ids = sorted(annotated.filter(mask)["cycle_id"].to_pylist())
    sources = [sources_of(annotated, mask)]
    root = corpus.features("*").parent
    logits = predict_all(
        models, ids, sources, selections=selections, compute=compute, features_root=root, shifts=shifts
    )
    return Tested(
        facts=facts,
        labels=labels,
        test=test,
        cycles=test_cycles.read(*paths, ids=ids, labels=labels, groups=_groups(facts)),
        predictions=assemble(logits, ensemble, model_rules.read(models, ensemble, selections)),
    )


def sources_of(cycles: pa.Table, tested: npt.NDArray[np.bool_]) -> CycleSources:
    """Return recordings and devices of all cycles of the tested recordings, also of cycles without a label."""
    inside = pc.is_in(cycles["recording_id"], cycles.filter(tested)["recording_id"].combine_chunks())
    rows = cycles.filter(inside)
    ids, recordings, devices = (rows[name].to_pylist() for name in ("cycle_id", "recording_id", "device"))
    return CycleSources(ids, recordings, [str(device) for device in devices])


def predictions_table(tested: Mapping[str, Tested], classes: Sequence[str], columns: pa.Schema) -> pa.Table:
    """Return the predictions on all external corpora as one table, sorted by corpus; empty if there is none.

    Args:
        tested: Predictions on each external corpus.
        classes: The names of the classes.
        columns: Schema of the table of predictions.
    """
    parts = [table(one.predictions, one.cycles, classes) for one in tested.values()]
    return pa.concat_tables([columns.empty_table(), *parts])


def _groups(facts: CorpusFacts) -> list[str]:
    return [group.column for group in facts.group_columns]
