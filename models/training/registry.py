"""Objectives by their name in ``objective.name`` of params.yaml."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from models.networks.base import Network
from models.training.contrastive import PatchMixContrastive
from models.training.objectives import CrossEntropy, Objective, SoftLabels
from models.training.patchmix import PatchMix, as_patch_network
from models.training.settings import ObjectiveSettings

Build = Callable[[ObjectiveSettings, CrossEntropy, Network], Objective]


def patch_mix(settings: ObjectiveSettings, hard: CrossEntropy, network: Network) -> Objective:
    """Return Patch-Mix without contrastive learning, for a network with patches."""
    as_patch_network(network)
    return PatchMix(hard, beta=settings.patchmix.beta, domain=settings.patchmix.domain)


def patch_mix_contrastive(settings: ObjectiveSettings, hard: CrossEntropy, network: Network) -> Objective:
    """Return Patch-Mix contrastive learning, for a network with patches."""
    as_patch_network(network)
    return PatchMixContrastive(hard, settings.patchmix, network.num_features)


OBJECTIVES: dict[str, Build] = {
    "cross_entropy": lambda settings, hard, network: hard,
    "soft_labels": lambda settings, hard, network: SoftLabels(settings.hard_labels, hard),
    "patchmix": patch_mix,
    "patchmix_cl": patch_mix_contrastive,
}


def create(
    settings: ObjectiveSettings,
    labels: npt.NDArray[np.int64],
    classes: int,
    network: Network,
    heads: Sequence[int] = (),
) -> Objective:
    """Return the objective of the settings.

    Args:
        settings: Settings of the objective.
        labels: Class indices ``(cycles,)`` of the training cycles, for the class weights.
        classes: Number of classes.
        network: Network that is trained.
        heads: Number of classes of each corpus's head; empty with one head.

    Raises:
        ValueError: The network has no patches to mix, or its embedding does not fit.
    """
    power = settings.class_weight_power
    weights = balanced(labels, classes, power) if settings.class_weights == "balanced" else None
    hard = CrossEntropy(settings.label_smoothing, weights, heads, settings.focal_gamma)
    return OBJECTIVES[settings.name](settings, hard, network)


def balanced(labels: npt.NDArray[np.int64], classes: int, power: float) -> torch.Tensor:
    """Return class weights ``(classes,)`` ∝ 1 / n_c^p with sum 1; n_c is the number of training cycles of the class.

    A class without training cycles has weight 0. Otherwise label smoothing would train the network to predict it.

    Args:
        labels: Class indices ``(cycles,)`` of the training cycles.
        classes: Number of classes.
        power: Power p; 1: the classes have equal weight in all cycles together.
    """
    counts = np.bincount(labels, minlength=classes)
    inverse = np.divide(1, counts**power, out=np.zeros(classes), where=counts > 0)
    return torch.from_numpy(inverse / inverse.sum()).float()
