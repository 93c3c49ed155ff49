"""Torch for one stage's process: device, threads, determinism; and its errors in words for the user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic

from models.training.inference import pick_device
from models.training.settings import ComputeSettings
from tasks.runtime.errors import BreathlineError

NOT_DETERMINISTIC = "does not have a deterministic implementation"  # torch's words


def set_up(compute: ComputeSettings) -> None:
    """Set torch up for this process: threads, and algorithms that give equal results in every run, or fast ones.

    Deterministic: every algorithm has one result, an operation that has no such algorithm is an error, and fp32 is
    fp32. Attention needs no more: by that setting, without which they would not, torch's flash and memory-efficient
    kernels go back in one order, and cuDNN's, which cannot, is not taken. Otherwise cuDNN tries which algorithm is
    fastest, and matrix products and convolutions in fp32 round their factors to TF32; neither concerns a CPU.

    Raises:
        BreathlineError: The device is not there.
    """
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(compute.deterministic)
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # costs time, only uncovers bugs
    if compute.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts
    torch.backends.cudnn.deterministic = compute.deterministic
    torch.backends.cudnn.benchmark = not compute.deterministic
    torch.backends.cudnn.allow_tf32 = not compute.deterministic
    torch.backends.cuda.matmul.allow_tf32 = not compute.deterministic
    with explained(where="params.yaml: compute.device"):
        pick_device(compute)


@contextmanager
def explained(*, where: object, hint: str | None = None) -> Iterator[None]:
    """Show a `ValueError` of `models`, and an operation that is not deterministic, as what the user can mend."""
    try:
        yield
    except ValueError as error:
        raise BreathlineError(str(error), where=where, hint=hint) from error
    except RuntimeError as error:
        if NOT_DETERMINISTIC not in str(error):
            raise
        operation = str(error).split(NOT_DETERMINISTIC)[0].strip()
        raise BreathlineError(
            f"The operation {operation} has no algorithm that gives equal results in every run.",
            where="params.yaml: compute.deterministic",
            hint="set it to false, or use another network",
        ) from error
