"""Outputs of a student for the cycles of all subsets: probabilities and embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.file_names import SELECTION
from models.heads import Heads
from models.training.inference import autocast, embed, pick_device
from models.training.normalization import CycleSources
from models.training.settings import ComputeSettings
from tasks.training import trained_networks
from tasks.training.trained_networks import TrainedNetwork


@dataclass(frozen=True)
class Outputs:
    """Outputs for cycles, in the order of the cycles.

    Attributes:
        probabilities: Probabilities ``(cycles, classes)`` of the network, not divided by its temperature.
        embeddings: Embeddings ``(cycles, features)``.
    """

    probabilities: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]


def compute(
    folder: Path,
    cycles: Sequence[str],
    sources: Sequence[CycleSources],
    *,
    compute: ComputeSettings,
    features_root: Path,
) -> tuple[TrainedNetwork, Outputs]:
    """Return a student, and its outputs for cycles of a feature cache, as for recordings of unknown origin.

    With a head for each corpus, probabilities are the mean over all heads, as `breathline predict` takes it.

    Args:
        folder: Folder of the student.
        cycles: Ids of the cycles.
        sources: Recordings and devices of all cycles of the same subsets (`Assignment.sources`).
        compute: Device and precision.
        features_root: Folder of the feature caches.

    Raises:
        BreathlineError: The student lacks its weights, or a cycle lacks its features.
    """
    trained = trained_networks.load(folder, SELECTION, cycles, sources, features_root)
    device = pick_device(compute)
    network = trained.network.to(device)
    embeddings = embed(network, trained.features, trained.rows, compute=compute)
    with torch.inference_mode(), autocast(compute, device)():
        logits = network.head(torch.from_numpy(embeddings).to(device)).float().cpu().numpy()
    if (heads := Heads.from_card(trained.card)) is not None:
        logits = heads.shared(logits, None, len(trained.card["classes"]))
    probabilities = torch.from_numpy(logits).double().softmax(dim=1).float().numpy()
    return trained, Outputs(probabilities, embeddings)
