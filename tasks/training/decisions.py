"""Decisions of a training, for the record of its stage."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from models.training.settings import NetworkSettings, Selection, TrainingSettings
from tasks.subsets.assignment import Assignment
from tasks.subsets.settings import FoldSettings
from tasks.subsets.splits import Subset

# The subset on which the epoch of a selection is chosen.
CHOSEN_ON: dict[Selection, Subset] = {"val": "val", "paper": "test"}


def decisions(
    network: NetworkSettings,
    training: TrainingSettings,
    assigned: Assignment,
    *,
    seed: int,
    selections: Sequence[Selection],
    fold: FoldSettings | None = None,
    held_out: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the decisions of a training as JSON values.

    Args:
        network: Network, front end and initial weights.
        training: Settings of the training.
        assigned: Labels and subsets, without the cycles that are held out.
        seed: Random seed of the training.
        selections: Selections of the epoch.
        fold: Fold that a teacher leaves out.
        held_out: Training cycles of this fold.
    """
    return {
        "network": {key: asdict(network)[key] for key in ("architecture", "options", "frontend", "weights")},
        "seed": seed,
        "subsets": assigned.by_subset(),
        "epoch_chosen_on": {selection: CHOSEN_ON[selection] for selection in selections},
        "stopped_on": "val" if training.patience else None,
        "soft_labels": training.objective.name == "soft_labels",
        "fold": asdict(fold) if fold else None,
        "held_out": list(held_out),
    }
