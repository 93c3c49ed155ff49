"""Torch for one stage's process: device, threads, determinism; and its errors in words for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic

from models.training.inference import pick_device
from models.training.settings import ComputeSettings
from tasks.errors import BreathlineError


def set_up(compute: ComputeSettings) -> None:
    """Set torch up for this process: threads, and algorithms that give equal results in every run.

    Raises:
        BreathlineError: The device is not there.
    """
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # costs time, only uncovers bugs
    with explained(where="params.yaml: compute.device"):
        pick_device(compute)


@contextmanager
def explained(*, where: object, hint: str | None = None) -> Iterator[None]:
    """Show a `ValueError` of `models` as what the user can mend."""
    try:
        yield
    except ValueError as error:
        raise BreathlineError(str(error), where=where, hint=hint) from error
