"""Figures of each training corpus in its own classes, by networks with a head for each corpus."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from models.decision_rules import DecisionRule
from models.training.settings import ComputeSettings, Selection
from tasks import artifacts
from tasks.evaluation import by_corpus, model_rules
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation.by_corpus import Tested
from tasks.evaluation.inference import assemble, predict_all
from tasks.evaluation.predictions import COLUMNS, Predictions
from tasks.runtime.artifact_reading import read_table
from tasks.runtime.corpus_facts import CorpusFacts
from tasks.subsets.assignment import Assignment
from tasks.subsets.splits import SplitOf

SCHEMA = pa.schema({**COLUMNS, "probabilities": pa.list_(pa.float32())})


def tested(assigned: Assignment, facts: CorpusFacts, split: SplitOf, *, root: Path) -> dict[str, Tested]:
    """Return the test cycles of each corpus that have a label of its head; nothing with one head for all.

    Args:
        assigned: Labels and subsets of the cycles.
        facts: Facts of the training corpora.
        split: `split` of params.yaml.
        root: Root of the project.
    """
    if assigned.heads is None:
        return {}
    parts = {part.name: part for part in facts.parts or (facts,)}
    found = {}
    for corpus, ids in assigned.native_tests.items():
        part, labels = parts[corpus], assigned.heads.by_corpus[corpus].labels
        cycles = test_cycles.read(
            root / artifacts.CYCLES,
            root / artifacts.RECORDINGS,
            ids=ids,
            labels=part.label_sets[labels].column,
            groups=[group.column for group in part.group_columns],
        )
        test = str(split[corpus] if isinstance(split, Mapping) else split)
        found[corpus] = Tested(facts=part, labels=labels, test=test, cycles=cycles, predictions=())
    return found


def predict(
    models: Mapping[str, Path],
    found: Mapping[str, Tested],
    *,
    ensemble: Sequence[str],
    selections: Sequence[Selection],
    compute: ComputeSettings,
    shifts: int,
) -> dict[str, Tested]:
    """Return the test cycles of each corpus with the predictions of all models.

    Args:
        models: The folder of each model, by its name.
        found: Test cycles of each corpus, as `tested` returns them.
        ensemble: The names of the ensemble's members.
        selections: The selections of epochs to evaluate.
        compute: Device and precision.
        shifts: Number of shifted clips of each cycle.
    """
    if not found:
        return {}
    annotated, predicted = read_table(artifacts.CYCLES), {}
    for corpus, one in found.items():
        ids = one.cycles["cycle_id"].to_list()
        mask = pc.is_in(annotated["cycle_id"], pa.array(ids)).to_numpy()
        logits = predict_all(
            models,
            ids,
            [by_corpus.sources_of(annotated, mask)],
            selections=selections,
            compute=compute,
            features_root=artifacts.FEATURE_CACHES,
            native=corpus,
            shifts=shifts,
        )
        rules = model_rules.read(models, ensemble, selections, corpus)
        predicted[corpus] = one.with_predictions(assemble(logits, ensemble, rules))
    return predicted


def table(found: Mapping[str, Tested]) -> pa.Table:
    """Return the predictions as one table, sorted by corpus, model, selection and cycle; empty with one head for all.

    `label` and `predicted` are class indices, and `probabilities` those of the classes, of the corpus's own label set.
    """
    parts = [
        one.cycles.select("corpus", "cycle_id", "recording_id", "patient_id", "label").with_columns(
            pl.lit(given.model).alias("model"),
            pl.lit(given.selection).alias("selection"),
            pl.Series("predicted", given.predicted[0]),
            pl.Series("probabilities", given.probabilities[0].tolist(), dtype=pl.List(pl.Float32)),
        )
        for one in found.values()
        for given in one.predictions
    ]
    if not parts:
        return SCHEMA.empty_table()
    rows = pl.concat(parts).select(SCHEMA.names).sort("corpus", "model", "selection", "cycle_id")
    return rows.to_arrow().cast(SCHEMA)


def read_predictions(rows: pa.Table, corpus: str, rules: Mapping[tuple[str, str], DecisionRule]) -> list[Predictions]:
    """Return the predictions of all models on one corpus.

    Args:
        rows: The table that `table` returns.
        corpus: The name of the corpus.
        rules: Decision rules in its own classes, by model and selection (`tasks.evaluation.model_rules`).
    """
    own = pl.DataFrame(rows.filter(pc.equal(rows["corpus"], corpus)))
    return [
        Predictions(
            str(model),
            str(selection),
            np.array(part["probabilities"].to_list(), dtype=np.float32)[None],
            (rules[str(model), str(selection)],),
        )
        for (model, selection), part in own.group_by("model", "selection", maintain_order=True)
    ]
