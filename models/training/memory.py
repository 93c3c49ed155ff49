"""Out-of-memory errors of torch and NumPy, and the parts into which a batch can be cut."""

import torch
from torch import nn

from models.training.objectives import Objective

# Parts of the messages of errors that torch raises as plain RuntimeErrors.
MESSAGES = (
    "can't allocate memory",  # CPU, Linux and macOS
    "not enough memory",  # CPU, Windows
    "std::bad_alloc",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


class StepMemoryError(MemoryError):
    """A step of a training does not fit into memory, and cannot be cut into smaller parts."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory of the CPU or of a GPU ran out."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(part in str(error) for part in MESSAGES)


def why_indivisible(network: nn.Module, objective: Objective, processes: int) -> str | None:
    """Return why smaller parts of a batch would give another result; None if they give the same one.

    Args:
        network: Network that is trained.
        objective: Objective of the training.
        processes: Number of processes of the training.
    """
    if processes > 1:
        return "its processes exchange their gradients once in each step"
    if not objective.divisible:
        return f"the objective {type(objective).__name__} compares the cycles of a batch"
    layers = (layer for module in (network, objective) for layer in module.modules())
    if any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in layers):
        return "BatchNorm uses the statistics of the batch"
    return None
