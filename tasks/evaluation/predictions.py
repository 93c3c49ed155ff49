"""What every model says of every test cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from models import artifact
from models.training.features import Features
from models.training.inference import pick_device, predict
from models.training.settings import ComputeSettings, Selection

Logits = npt.NDArray[np.float32]
ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class Model:
    """A trained network: its name in the predictions, and its folder."""

    name: str
    folder: Path


def models(teachers: Sequence[str], seeds: Sequence[int]) -> list[Model]:
    """Return the teachers and the students that params.yaml names."""
    return [Model(f"teacher/{teacher}", Path("data/teachers") / teacher) for teacher in teachers] + [
        Model(f"student/{seed}", Path("data/student") / str(seed)) for seed in seeds
    ]


def logits(
    wanted: Sequence[Model],
    selections: Sequence[Selection],
    cycles: Sequence[str],
    *,
    compute: ComputeSettings,
    on_cycles: Callable[[str, int], None],
) -> Iterator[tuple[str, Selection, Logits]]:
    """Yield each model's logits ``(cycles, classes)`` for each selection, in the order of the cycles."""
    for model in wanted:
        for selection in selections:
            network, card = artifact.load(model.folder, selection)
            features = Features(Path("data/fbank") / card["frontend"])
            yield (
                model.name,
                selection,
                predict(
                    network.to(pick_device(compute)),
                    features,
                    features.find(cycles),
                    compute=compute,
                    on_batch=lambda count, name=model.name: on_cycles(name, count),  # type: ignore[misc]
                ),
            )


def with_ensemble(
    said: Mapping[tuple[str, Selection], Logits], members: Sequence[str], selections: Sequence[Selection]
) -> dict[tuple[str, Selection], Logits]:
    """Return the logits with those of the ensemble added: the mean of its members' (as its soft labels are made)."""
    everything = dict(said)
    if members:
        for selection in selections:
            parts = [said[f"teacher/{member}", selection] for member in members]
            everything[ENSEMBLE, selection] = np.mean(np.stack(parts).astype(np.float64), axis=0).astype(np.float32)
    return everything


def table(said: Mapping[tuple[str, Selection], Logits], cycles: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """Return predictions.parquet (see docs/design.md).

    Args:
        said: Logits ``(cycles, classes)`` by model and selection.
        cycles: The test cycles in the order of the logits: `cycle_id`, `recording_id`, `patient_id`, `label`.
        classes: Names of the classes.
    """
    frames = []
    for (model, selection), values in said.items():
        probabilities = torch.from_numpy(values).double().softmax(1).float().numpy()
        frames.append(
            cycles.select(
                pl.lit(model).alias("model"),
                pl.lit(selection).alias("selection"),
                "cycle_id",
                "recording_id",
                "patient_id",
                pl.col("label").cast(pl.Int8),
                pl.Series("predicted", probabilities.argmax(1), dtype=pl.Int8),
                *(pl.Series(f"p_{name}", probabilities[:, at]) for at, name in enumerate(classes)),
            )
        )
    return pl.concat(frames).sort("model", "selection", "cycle_id")
