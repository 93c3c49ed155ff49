"""Decisions of a training, for the record of its stage."""

from dataclasses import asdict
from typing import Any

from models.training.settings import Selection
from tasks.subsets.splits import Subset
from tasks.training.jobs import TrainingJob

# The subset on which the epoch of a selection is chosen.
CHOSEN_ON: dict[Selection, Subset] = {"val": "val", "paper": "test"}

FIRST_LOSSES = "first_losses"  # key of the losses of the first steps, which only the training itself can tell


def decisions(job: TrainingJob, started: int = 1) -> dict[str, Any]:
    """Return the decisions of a training as JSON values, without its first losses.

    Args:
        job: Settings and inputs of the training.
        started: Number of processes that torchrun has started; 1 without it.
    """
    return {
        "network": {key: asdict(job.network)[key] for key in ("architecture", "options", "frontend", "weights")},
        "seed": job.seed,
        "subsets": job.assignment.by_subset(),
        "epoch_chosen_on": {selection: CHOSEN_ON[selection] for selection in job.selections},
        "stopped_on": "val" if job.training.patience else None,
        "soft_labels": job.soft_labels is not None,
        "fold": asdict(job.fold) if job.fold else None,
        "held_out": list(job.held_out),
        "started_processes": started,
    }
