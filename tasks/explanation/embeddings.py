"""Embeddings of the sampled cycles by every model: their computation, their table and their figures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from models.training.inference import embed, pick_device
from models.training.normalization import CycleSources
from models.training.settings import ComputeSettings, Selection
from tasks.explanation.colourings import Colouring, colourings
from tasks.explanation.projections import Projections, project, standardize
from tasks.explanation.separability import Figure, probe, purity
from tasks.explanation.settings import EmbeddingSettings
from tasks.training import trained_networks

KEYS = ("subset", "cycle_id", "corpus", "recording_id", "patient_id", "device", "location", "label", "class_name")
MEASURED = ("train", "test")  # subsets with figures; validation cycles are few
PROBED = "test"  # patients that no network has learned from
COORDINATES = ("pca_x", "pca_y", "tsne_x", "tsne_y")


@dataclass(frozen=True)
class Embeddings:
    """Embeddings ``(cycles, features)`` of a model, of the cycles in the order of their table."""

    model: str
    selection: Selection
    values: npt.NDArray[np.float32]
    projections: Projections | None  # None if all embeddings are equal


def compute(
    folders: Mapping[str, Path],
    cycles: Sequence[str],
    sources: Sequence[CycleSources],
    *,
    selections: Sequence[Selection],
    settings: EmbeddingSettings,
    compute: ComputeSettings,
    features_root: Path,
    seed: int,
) -> Iterator[tuple[Embeddings, npt.NDArray[np.float64] | None]]:
    """Yield the embeddings of each model in each selection, and the standardised ones.

    Args:
        folders: Folder of each model, by its name.
        cycles: Ids of the sampled cycles.
        sources: Recordings and devices of all cycles of the subsets.
        selections: Selections of epochs.
        settings: Settings of the projections.
        compute: Device and precision.
        features_root: Folder of the feature caches.
        seed: Random seed of the projections.

    Raises:
        BreathlineError: A model lacks a selection, or a cycle lacks its features.
    """
    for model, folder in sorted(folders.items()):
        for selection in sorted(selections):
            trained = trained_networks.load(folder, selection, cycles, sources, features_root)
            network = trained.network.to(pick_device(compute))
            values = embed(network, trained.features, trained.rows, compute=compute)
            points = standardize(values)
            projected = None if points is None else project(points, perplexity=settings.perplexity, seed=seed)
            yield Embeddings(model, selection, values, projected), points


def schema(classes: Sequence[str]) -> pa.Schema:
    """Return the schema of ``data/explanation/embeddings.parquet``, with the features of Hugging Face's `datasets`."""
    text, number = pa.string(), pa.float32()
    columns = {"model": text, "selection": text, **dict.fromkeys(KEYS, text), "label": pa.int64()}
    columns |= {**dict.fromkeys(COORDINATES, number), "embedding": pa.list_(number)}
    features: dict[str, Any] = {
        name: {"dtype": "float32" if kind == number else "string", "_type": "Value"} for name, kind in columns.items()
    }
    features["label"] = {"names": list(classes), "_type": "ClassLabel"}
    features["embedding"] = {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "Sequence"}
    about = json.dumps({"info": {"features": features}}, ensure_ascii=False)
    return pa.schema(columns, metadata={"huggingface": about})


def table(embedded: Sequence[Embeddings], cycles: pl.DataFrame, classes: Sequence[str]) -> pa.Table:
    """Return the table of embeddings, sorted by model, selection and cycle.

    Args:
        embedded: Embeddings of the models, sorted by model and selection.
        cycles: Table of the sampled cycles (`tasks.explanation.sample.table`).
        classes: Names of the classes.
    """
    columns = schema(classes)
    keys = cycles.select(KEYS).to_arrow()
    parts = []
    for one in embedded:
        number = len(one.values)
        found = {"model": pa.array([one.model] * number), "selection": pa.array([one.selection] * number)}
        found |= {name: keys[name].combine_chunks().cast(columns.field(name).type) for name in KEYS}
        found |= _coordinates(one.projections, number)
        offsets = pa.array(np.arange(number + 1, dtype=np.int32) * one.values.shape[1], pa.int32())
        found["embedding"] = pa.ListArray.from_arrays(offsets, pa.array(one.values.ravel(), pa.float32()))
        parts.append(pa.table([found[name] for name in columns.names], schema=columns))
    return pa.concat_tables(parts) if parts else columns.empty_table()


def _coordinates(projections: Projections | None, number: int) -> dict[str, pa.Array]:
    """Return the columns of the projections; null where there is none."""
    found = {}
    for name in COORDINATES:
        kind, _, axis = name.partition("_")
        plane = getattr(projections, kind, None)
        values = [None] * number if plane is None else plane[:, "xy".index(axis)]
        found[name] = pa.array(values, pa.float32())
    return found


def figures(
    one: Embeddings,
    points: npt.NDArray[np.float64] | None,
    cycles: pl.DataFrame,
    *,
    settings: EmbeddingSettings,
    confidence: float,
) -> dict[str, Any]:
    """Return the entry of a model in ``reports/explanation.json``.

    Args:
        one: Embeddings of the model.
        points: Standardised embeddings; None if all are equal.
        cycles: Table of the sampled cycles.
        settings: Number of neighbours.
        confidence: Level of the intervals.
    """
    found: dict[str, Any] = {"features": one.values.shape[1], "constant": points is None}
    if points is None or one.projections is None:
        return found
    found["pca_explained"] = [round(share, 2) for share in one.projections.explained]
    for subset in MEASURED:
        inside = (cycles["subset"] == subset).to_numpy()
        some = cycles.filter(pl.col("subset") == subset)
        found[subset] = {
            each.name: _measure(
                each,
                points[inside],
                _patients(some),
                neighbours=settings.neighbours,
                confidence=confidence,
                probed=subset == PROBED,
            )
            for each in colourings(some)
            if each.reason_against is None
        }
    return found


def _measure(
    colouring: Colouring,
    points: npt.NDArray[np.float64],
    patients: npt.NDArray[np.int64],
    *,
    neighbours: int,
    confidence: float,
    probed: bool,
) -> dict[str, Any]:
    """Return purity and probe of a colouring, with the numbers of values and cycles behind them."""
    compared = colouring.comparable
    found: dict[str, Any] = {
        "values": len(np.unique(colouring.values[compared])),
        "cycles": int(compared.sum()),
        "left_out": int((~compared).sum()),
    }
    near = purity(points, colouring, patients, neighbours=neighbours, confidence=confidence)
    found["purity"] = _rounded(near)
    if probed:
        found["probe"] = _rounded(probe(points, colouring, patients, confidence=confidence))
    return found


def _rounded(figure: Figure) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 2) for name, value in asdict(figure).items()}


def _patients(cycles: pl.DataFrame) -> npt.NDArray[np.int64]:
    return cycles["patient_id"].rank("dense").cast(pl.Int64).to_numpy()


def omitted(cycles: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Return for each measured subset the colourings that cannot be measured, each with the reason."""
    found = {subset: colourings(cycles.filter(pl.col("subset") == subset)) for subset in MEASURED}
    return {
        subset: {each.name: each.reason_against for each in some if each.reason_against is not None}
        for subset, some in found.items()
    }
