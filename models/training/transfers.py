"""From the processor's memory to a device, without waiting."""

from __future__ import annotations

import torch
from torch import Tensor


def staged(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU where it can leave for a device at once: for a GPU, in pinned memory."""
    return tensor.pin_memory() if device.type == "cuda" else tensor


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU on a device; a GPU's queue is never waited for.

    Random numbers are drawn on the CPU, so that a seed gives the same training on every device. A plain copy to a GPU
    would wait until all that was asked of it is done; one from pinned memory takes its place in the queue.
    """
    return staged(tensor, device).to(device, non_blocking=device.type == "cuda")
