"""Decision rules of a trained network, chosen on the validation patients, as entries of ``model.json``."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from models import heads
from models.decision_rules import KEY
from models.networks.base import Network
from models.training.decision_fitting import fit
from models.training.inference import predict
from models.training.selection import TrainingData, by_head
from models.training.settings import ComputeSettings, DecisionSettings, Selection
from tasks.subsets.assignment import Assignment
from tasks.subsets.patients import number


def card_entries(
    network: Network,
    states: Mapping[Selection, Mapping[str, Tensor]],
    data: TrainingData,
    assignment: Assignment,
    *,
    settings: DecisionSettings,
    compute: ComputeSettings,
) -> dict[str, Any]:
    """Return the decision rule of each selection, also of each head in its own classes.

    The cycles are those of the validation patients, also for the selection `paper`.

    Args:
        network: Network of the training; its tensors are replaced.
        states: Tensors at the epoch of each selection.
        data: Cycles of the training.
        assignment: Labels and subsets of the cycles.
        settings: Settings of the rule.
        compute: Precision of the forward pass.
    """
    validation = data.selections["val"]
    _, patients = number([assignment.patients[cycle] for cycle in assignment.cycles("val")])
    shared: dict[str, Any] = {}
    native: dict[str, dict[str, Any]] = {name: {} for name in assignment.heads.by_corpus} if assignment.heads else {}
    for selection, state in states.items():
        network.load_state_dict(state)
        logits = predict(network, data.features, validation.rows, compute=compute)
        shared[selection] = _entry(*_in_shared_classes(logits, validation.labels, patients, assignment), settings)
        for name, (own, columns) in zip(native, by_head(validation.labels, data.heads), strict=True):
            labels = validation.labels[own] - columns.start
            native[name][selection] = _entry(logits[own, columns], labels, patients[own], settings)
    if assignment.heads is None:
        return {KEY: shared}
    described = assignment.heads.card()
    return {KEY: shared, heads.KEY: {name: described[name] | {KEY: native[name]} for name in described}}


def _entry(
    logits: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    patients: npt.NDArray[np.int64],
    settings: DecisionSettings,
) -> dict[str, Any]:
    rule, losses = fit(logits, labels, patients, settings)
    return rule.card() | losses


def _in_shared_classes(
    logits: npt.NDArray[np.float32],
    targets: npt.NDArray[np.int64],
    patients: npt.NDArray[np.int64],
    assignment: Assignment,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return logits, labels and patients of the validation cycles that have a shared class."""
    if assignment.heads is None:
        return logits, targets, patients
    corpora = assignment.corpora_of(assignment.cycles("val"))
    to_shared = [-1 if one is None else one for head in assignment.heads.by_corpus.values() for one in head.shared]
    labels = np.array(to_shared, dtype=np.int64)[targets]
    known = labels >= 0
    found = assignment.heads.shared(logits, corpora, len(assignment.classes))
    return found[known], labels[known], patients[known]
