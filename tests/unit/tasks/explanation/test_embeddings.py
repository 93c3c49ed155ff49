"""Sample of cycles, table of embeddings, and entries of reports/explanation.json."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tasks.explanation import embeddings, sample
from tasks.explanation.projections import project, standardize
from tasks.explanation.settings import EmbeddingSettings
from tasks.runtime import files, params
from tasks.runtime.errors import BreathlineError
from tasks.subsets.assignment import Assignment
from tests.unit.tasks.explanation import cohort

SETTINGS = EmbeddingSettings(cycles=100, neighbours=10, perplexity=30)


def assigned() -> Assignment:
    sizes = {"train": 50, "val": 9, "test": 20}
    subsets = {f"{subset}_{number:02}": subset for subset, size in sizes.items() for number in range(size)}
    empty = {"targets": {}, "patients": {}, "recordings": {}, "corpora": {}, "devices": {}}
    return Assignment(labels="lungsound_4", classes=cohort.CLASSES, subsets=dict(sorted(subsets.items())), **empty)


def embedded(values: np.ndarray, model: str = "student/1") -> embeddings.Embeddings:
    points = standardize(values)
    projections = None if points is None else project(points, perplexity=5, seed=0)
    return embeddings.Embeddings(model, "val", values, projections)


def test_the_sample_is_limited_in_each_subset_and_follows_the_seed():
    drawn = sample.draw(assigned(), cycles=20, seed=0)
    assert {subset: len(cycles) for subset, cycles in drawn.items()} == {"train": 20, "val": 9, "test": 20}
    assert drawn["train"] == sorted(set(drawn["train"]))
    assert drawn["train"] != assigned().cycles("train")[:20]
    assert drawn == sample.draw(assigned(), cycles=20, seed=0)
    assert drawn["train"] != sample.draw(assigned(), cycles=20, seed=1)["train"]


def test_a_sample_whose_pairs_do_not_fit_into_memory_is_refused():
    given = {"neighbours": 10, "perplexity": 30}
    assert params.parse(EmbeddingSettings, given | {"cycles": 5000}, "explanation.embeddings").cycles == 5000
    with pytest.raises(BreathlineError, match="from 10 to 5,000"):
        params.parse(EmbeddingSettings, given | {"cycles": 5001}, "explanation.embeddings")


def test_the_table_has_a_row_for_each_model_and_cycle_and_loads_elsewhere(tmp_path: Path):
    frame = cohort.cycles()[:30]
    known = embedded(cohort.noise(6)[:30].astype(np.float32))
    constant = embedded(np.ones((30, 2), np.float32), "teacher/a")
    table = embeddings.table([known, constant], frame, cohort.CLASSES)
    files.write_table(tmp_path / "embeddings.parquet", table)
    loaded = pd.read_parquet(tmp_path / "embeddings.parquet")
    assert loaded["model"].tolist() == ["student/1"] * 30 + ["teacher/a"] * 30
    assert np.stack(loaded["embedding"][:30]).tolist() == known.values.tolist()
    assert loaded["embedding"][59].tolist() == [1.0, 1.0]
    assert loaded["class_name"].tolist() == frame["class_name"].to_list() * 2
    assert loaded["pca_x"].isna().tolist() == [False] * 30 + [True] * 30
    assert pl.read_parquet(tmp_path / "embeddings.parquet")["tsne_y"].null_count() == 30


def test_the_metadata_name_the_features_as_the_library_datasets_reads_them():
    found = embeddings.schema(cohort.CLASSES)
    features = json.loads(found.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == found.names
    assert features["label"] == {"names": list(cohort.CLASSES), "_type": "ClassLabel"}
    assert features["patient_id"] == {"dtype": "string", "_type": "Value"}
    assert features["embedding"]["feature"] == {"dtype": "float32", "_type": "Value"}
    assert found.field("embedding").type == pa.list_(pa.float32())


def test_figures_are_those_of_train_and_test_cycles_and_only_test_cycles_are_probed():
    half = pl.when(pl.col("patient_id") < "111").then(pl.lit("train")).otherwise(pl.lit("test"))
    frame = cohort.cycles().with_columns(subset=half)
    values = cohort.separated("device").astype(np.float32)
    found = embeddings.figures(embedded(values), standardize(values), frame, settings=SETTINGS, confidence=0.95)
    assert found["features"] == 8
    assert found["train"].keys() == found["test"].keys() == {"class", "device", "location", "patient"}
    assert "probe" not in found["train"]["device"]
    device = found["test"]["device"]
    assert device["values"] == 2
    assert device["cycles"] == 120
    assert device["purity"]["value"] == device["probe"]["value"] == 100.0
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_embedding_is_flagged_and_has_no_figures(value):
    values = np.full((240, 8), value, np.float32)
    found = embeddings.figures(embedded(values), None, cohort.cycles(), settings=SETTINGS, confidence=0.95)
    assert found == {"features": 8, "constant": True}
