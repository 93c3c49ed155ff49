"""Asynchronous copies from CPU memory to a device."""

import torch
from torch import Tensor


def pinned(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a CPU tensor ready for an asynchronous copy: for a GPU, in pinned memory."""
    return tensor.pin_memory() if device.type == "cuda" else tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a CPU tensor to a device without waiting for the GPU's queue.

    Random numbers are drawn on the CPU, so that a seed gives the same training on every device. A plain copy to a GPU
    would wait for all queued work; a copy from pinned memory is queued itself.
    """
    return pinned(tensor, device).to(device, non_blocking=device.type == "cuda")
