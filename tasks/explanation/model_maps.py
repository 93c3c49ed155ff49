"""Maps of several models: their table, and the figures of their tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import torch
from torch import Tensor

from models.explanation.maps import methods_for
from models.explanation.settings import Method
from models.heads import Heads
from models.training.normalization import CycleSources
from tasks.explanation import faithfulness, maps
from tasks.explanation.settings import MapSettings
from tasks.training import trained_networks
from tasks.training.trained_networks import TrainedNetwork


@dataclass(frozen=True, kw_only=True)
class Cycles:
    """Cycles that maps are drawn of.

    Attributes:
        tested: Table of the test cycles whose maps are tested: `cycle_id`, `corpus`, `patient_id`, `duration_s`.
        shown: Table of further test cycles, which the report shows with a map of the first model.
        training: Ids of the training cycles whose mean stands for the absence of a sound.
        sources: Recordings and devices of all training and test cycles (`Assignment.sources`).
    """

    tested: pl.DataFrame
    shown: pl.DataFrame
    training: Sequence[str]
    sources: Sequence[CycleSources]


def compute(
    folders: Mapping[str, Path],
    cycles: Cycles,
    settings: MapSettings,
    *,
    features_root: Path,
    device: torch.device,
    confidence: float,
    seed: int,
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the table of maps, and the figures of each model.

    Args:
        folders: Folder of each model by its name, the student first.
        cycles: Cycles that maps are drawn of.
        settings: Methods, and the number of steps of the curves.
        features_root: Folder of the feature caches.
        device: Device of the computation.
        confidence: Level of the intervals.
        seed: Random seed of the random order and of the untrained networks.

    Raises:
        BreathlineError: A model or its features are missing or damaged.
    """
    rows, figures = list[dict[str, Any]](), dict[str, Any]()
    for position, (model, folder) in enumerate(folders.items()):
        shown = cycles.shown if position == 0 else cycles.shown.clear()
        ids = [*cycles.training, *cycles.tested["cycle_id"], *shown["cycle_id"]]
        trained = trained_networks.load(folder, "val", ids, cycles.sources, features_root)
        methods = [method for method in methods_for(trained.network) if method in settings.methods]
        if not methods:
            continue
        baseline, first, second = np.split(trained.rows, np.cumsum([len(cycles.training), cycles.tested.height]))
        learned = trained.features.batch(baseline, torch.device("cpu"))
        mean = learned.mean((0, 1))
        explained = maps.prepare(_with_rows(trained, first), cycles.tested, mean, device)
        drawn = {method: explained.draw(method) for method in methods}
        rows += _rows(model, cycles.tested, trained, explained, drawn)
        untrained = maps.untrained(trained.card, seed, trained.network, learned)
        figures[model] = faithfulness.figures(
            explained,
            drawn,
            untrained,
            cycles.tested["patient_id"].to_list(),
            steps=settings.steps,
            confidence=confidence,
            seed=seed,
        )
        if shown.height:
            explained = maps.prepare(_with_rows(trained, second), shown, mean, device)
            rows += _rows(model, shown, trained, explained, {methods[0]: explained.draw(methods[0])})
    return maps.table(rows), figures


def _with_rows(trained: TrainedNetwork, rows: Any) -> TrainedNetwork:
    return TrainedNetwork(trained.network, trained.card, trained.features, rows)


def _rows(
    model: str,
    cycles: pl.DataFrame,
    trained: TrainedNetwork,
    explained: maps.Explained,
    drawn: Mapping[Method, Tensor],
) -> list[dict[str, Any]]:
    heads = Heads.from_card(trained.card)
    classes = trained.card["classes"] if heads is None else heads.names
    return maps.rows(model, cycles["cycle_id"].to_list(), classes, explained, drawn)
