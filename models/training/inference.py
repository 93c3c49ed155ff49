"""Inference: logits and embeddings of cycles of a feature cache."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.networks.base import Network
from models.training.features import Features
from models.training.memory import is_out_of_memory
from models.training.settings import ComputeSettings

log = logging.getLogger(__name__)
BATCH = 32
Forward = Callable[[Tensor], Tensor]


def pick_device(settings: ComputeSettings) -> torch.device:
    """Return the device of the settings.

    Raises:
        ValueError: The settings require CUDA, and torch finds no CUDA device.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("compute.device is cuda, and torch finds no CUDA device; use auto or cpu.")
    cuda = settings.device == "cuda" or (settings.device == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if cuda else "cpu")


def autocast(settings: ComputeSettings, device: torch.device) -> Callable[[], AbstractContextManager[None]]:
    """Return a factory of forward-pass contexts: bf16 by the settings, or automatically on a GPU that supports it."""
    automatic = settings.precision == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported()
    if settings.precision == "bf16" or automatic:
        return lambda: torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext


def predict(
    network: Network,
    features: Features,
    rows: npt.NDArray[np.int64],
    *,
    compute: ComputeSettings,
    roll: int = 0,
    on_batch: Callable[[int], None] | None = None,
) -> npt.NDArray[np.float32]:
    """Return the logits ``(len(rows), classes)`` of rows of a feature cache.

    The network is evaluated without dropout; its mode (training or evaluation) is restored afterwards.

    Args:
        network: Network on its device.
        features: Feature cache of the network's front end.
        rows: Rows of the cycles in the cache.
        compute: Precision of the forward pass.
        roll: Number of frames by which each clip is shifted circularly to later times.
        on_batch: Callback after each batch, with its number of cycles.
    """
    forward: Forward = (lambda batch: network(batch.roll(roll, dims=1))) if roll else network
    return _outputs(network, forward, features, rows, compute=compute, on_batch=on_batch)


def embed(
    network: Network,
    features: Features,
    rows: npt.NDArray[np.int64],
    *,
    compute: ComputeSettings,
    on_batch: Callable[[int], None] | None = None,
) -> npt.NDArray[np.float32]:
    """Return the embeddings ``(len(rows), num_features)`` of rows of a feature cache; see `predict`."""
    return _outputs(network, network.embed, features, rows, compute=compute, on_batch=on_batch)


@torch.inference_mode()
def _outputs(
    network: Network,
    forward: Forward,
    features: Features,
    rows: npt.NDArray[np.int64],
    *,
    compute: ComputeSettings,
    on_batch: Callable[[int], None] | None,
) -> npt.NDArray[np.float32]:
    """Return what ``forward``, the network or a part of it, gives for rows of a feature cache."""
    device = next(network.parameters()).device
    context = autocast(compute, device)
    training = network.training
    network.eval()
    parts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    outputs: list[Tensor] = []
    size = BATCH
    for part, batch in zip(parts, features.batches(parts, device), strict=True):
        size, found = _forward(forward, batch, size, context)
        outputs += found
        if on_batch is not None:
            on_batch(len(part))
    network.train(training)
    # One copy at the end: a copy after each batch would synchronise with the GPU each time.
    return torch.cat(outputs).cpu().numpy()


def _forward(
    forward: Forward, batch: Tensor, size: int, context: Callable[[], AbstractContextManager[None]]
) -> tuple[int, list[Tensor]]:
    """Return the outputs of a batch, in smaller parts if memory runs out, and the size that fits."""
    while True:
        try:
            with context():
                starts = range(0, len(batch), size)
                return size, [forward(batch[start : start + size]).float() for start in starts]
        except Exception as error:
            if not is_out_of_memory(error) or size == 1:
                raise
        torch.cuda.empty_cache()  # does nothing without a GPU
        size = (size + 1) // 2
        log.warning("Memory ran out in the evaluation. It continues with %d cycles at once and the same result.", size)
