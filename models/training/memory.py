"""Out-of-memory errors of torch and NumPy, and the parts into which a batch can be cut."""

import textwrap

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


def describe(error: BaseException) -> str:
    """Return the beginning of an error's message, on one line."""
    return textwrap.shorten(str(error).strip().partition("\n")[0] or type(error).__name__, 200, placeholder=" …")


def why_indivisible(network: nn.Module, objective: Objective, processes: int) -> str | None:
    """Return why a batch is not cut into smaller parts when memory runs out; None if the result stays the same.

    Args:
        network: Network that is trained.
        objective: Objective of the training.
        processes: Number of processes of the training.
    """
    if processes > 1:
        return f"{processes} processes take each step together; set a smaller micro_batch"
    if not objective.divisible:
        return (
            f"{type(objective).__name__} compares the cycles of a part, so a smaller micro_batch gives another result"
        )
    layers = (layer for module in (network, objective) for layer in module.modules())
    if any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in layers):
        return "BatchNorm uses the statistics of a part, so a smaller micro_batch gives another result"
    return None
