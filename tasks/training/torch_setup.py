"""Set-up of torch for a stage (device, threads, determinism), and translation of its errors for the user."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic

from models.training.inference import pick_device
from models.training.memory import StepMemoryError, describe, is_out_of_memory
from models.training.settings import ComputeSettings
from tasks.runtime.allocator import keep_freed_memory
from tasks.runtime.artifact_reading import as_artifact_error
from tasks.runtime.errors import BreathlineError

NOT_DETERMINISTIC = "does not have a deterministic implementation"  # part of torch's error message

MEMORY_HINT = "end other programs, lower batch_size, micro_batch or compute.cache_gb, or take a smaller network"


def set_up(compute: ComputeSettings) -> None:
    """Set threads and algorithms of torch for this process.

    With ``deterministic``, every operation uses an algorithm with one result, an operation without such an algorithm is
    an error, and fp32 is not rounded. The flash and memory-efficient kernels of attention then sum their gradients in
    one order, and the kernel of cuDNN is not used. Otherwise cuDNN takes the fastest algorithm, and matrix products and
    convolutions in fp32 round their factors to TF32. Both concern GPUs alone.

    Raises:
        BreathlineError: The device does not exist.
    """
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(compute.deterministic)
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # slow, and only a help for debugging
    if compute.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts
    torch.backends.cudnn.deterministic = compute.deterministic
    torch.backends.cudnn.benchmark = not compute.deterministic
    torch.backends.cudnn.allow_tf32 = not compute.deterministic
    torch.backends.cuda.matmul.allow_tf32 = not compute.deterministic
    with as_breathline_error(where="params.yaml: compute.device"):
        pick_device(compute)


def set_up_training(compute: ComputeSettings) -> None:
    """Set up torch for a training: on a CPU, freed memory is kept for the next step.

    Raises:
        BreathlineError: The device does not exist.
    """
    set_up(compute)
    if pick_device(compute).type == "cpu":
        keep_freed_memory()


@contextmanager
def as_breathline_error(*, where: object, hint: str | None = None) -> Iterator[None]:
    """Raise errors of `models` and torch for which the user has a next step as a `BreathlineError`.

    These are a `ValueError` of `models`, an operation that is not deterministic, and memory that ran out. The error of
    a missing or damaged file names that file instead of ``where``.
    """
    try:
        with as_artifact_error(hint):
            yield
    except ValueError as error:
        raise BreathlineError(str(error), where=where, hint=hint) from error
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            what = str(error) if isinstance(error, StepMemoryError) else f"Memory ran out: {describe(error)}"
            raise BreathlineError(what, where=where, hint=MEMORY_HINT) from error
        if NOT_DETERMINISTIC not in str(error):
            raise
        operation = str(error).split(NOT_DETERMINISTIC)[0].strip()
        raise BreathlineError(
            f"The operation {operation} has no algorithm that gives equal results in every run.",
            where="params.yaml: compute.deterministic",
            hint="set it to false, or use another network",
        ) from error
