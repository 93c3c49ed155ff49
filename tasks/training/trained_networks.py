"""Trained networks with the features of the cycles that they are to judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models import artifact
from models.networks.base import Network
from models.training.features import Features
from models.training.normalization import CycleSources, Normalization
from models.training.settings import Selection
from tasks.training.torch_setup import as_breathline_error


@dataclass(frozen=True)
class TrainedNetwork:
    """Network in evaluation mode on the CPU, and its input."""

    network: Network
    card: dict[str, Any]  # content of ``model.json``
    features: Features  # feature cache of its front end, normalised as the network needs it
    rows: npt.NDArray[np.int64]  # rows of the cycles in the cache


def load(
    folder: Path, selection: Selection, cycles: Sequence[str], sources: Sequence[CycleSources], features_root: Path
) -> TrainedNetwork:
    """Return a trained network and the features of some cycles.

    Args:
        folder: Folder of the model.
        selection: Selection of the epoch.
        cycles: Ids of the cycles.
        sources: Recordings and devices of all cycles of the same subsets (`Assignment.sources`).
        features_root: Folder of the feature caches.

    Raises:
        BreathlineError: The model lacks the selection, or a cycle lacks its features.
    """
    with as_breathline_error(where=folder, hint="run `dvc repro`"):
        network, card = artifact.load(folder, selection)
        features = Features(features_root / card["frontend"])
        features.check_shape(card["frames"], card["mels"])
        features.normalize(Normalization.from_card(card), sources)
        return TrainedNetwork(network, card, features, features.find(cycles))
