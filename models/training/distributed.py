"""One training by several processes (DDP): who they are, what they share, and how a stage starts them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
from timm.layers.norm_act import convert_sync_batchnorm
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, start_processes
from torch.nn.parallel import DistributedDataParallel

from models.training.settings import ComputeSettings

Result = TypeVar("Result")
PATIENCE = timedelta(hours=1)  # the others wait that long while the first judges an epoch


@dataclass(frozen=True)
class Team:
    """The processes of one training: each has its share of every batch, the first one also judges, keeps and logs.

    Attributes:
        rank: Which of them this process is, from 0.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process judges, keeps and logs."""
        return self.rank == 0

    def prepare(self, *modules: nn.Module, device: torch.device) -> None:
        """Let every BatchNorm see whole batches, where torch can do that: on GPUs.

        On CPUs each process normalises by its own share of a batch, and the running statistics are those of the first.
        """
        if self.size > 1 and device.type == "cuda":
            for module in modules:
                convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]

    def share_gradients(self, loss: nn.Module, *, unused: bool) -> nn.Module:
        """Return a loss whose gradients are the means of all processes'.

        Args:
            loss: On its device.
            unused: Whether it leaves parameters without a gradient: the others must not wait for these.
        """
        if self.size == 1:
            return loss
        return DistributedDataParallel(loss, find_unused_parameters=unused)

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of the processes' values."""
        if self.size > 1:
            distributed.all_reduce(value)
            value /= self.size
        return value

    def wait(self) -> None:
        """Return when all processes are here."""
        if self.size > 1:
            distributed.barrier()

    def by_first(self, work: Callable[[], Result]) -> Result:
        """Return in every process what the first one worked out; where that fails, all fail.

        Raises:
            RuntimeError: In the others, what went wrong in the first.
        """
        if self.size == 1:
            return work()
        message: list[Any] = [None, None]
        if self.first:
            try:
                message[0] = work()
            except BaseException as error:
                distributed.broadcast_object_list([None, f"{type(error).__name__}: {error}"])
                raise
        distributed.broadcast_object_list(message)
        result, failure = message
        if failure is not None:
            raise RuntimeError(f"The first process failed: {failure}")
        shared: Result = result
        return shared


def started_by_torchrun() -> bool:
    """Return whether a launcher such as torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def check(compute: ComputeSettings) -> None:
    """Refuse more processes than the machine has GPUs, where they are to run on GPUs.

    Raises:
        ValueError: There are too few.
    """
    there = torch.cuda.device_count()
    if compute.processes > 1 and compute.device != "cpu" and 0 < there < compute.processes:
        raise ValueError(f"compute.processes is {compute.processes}, and torch finds {there} GPUs: one each is needed.")


@contextmanager
def joined(compute: ComputeSettings, *, rank: int, size: int, meeting: str) -> Iterator[Team]:
    """Join the processes of one training for the block.

    Args:
        compute: On what they run: NCCL connects GPUs, Gloo CPUs.
        rank: Which of them this is.
        size: How many there are.
        meeting: Where they meet: the `init_method` of `torch.distributed`.
    """
    cuda = compute.device != "cpu" and torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)))
    backend = "nccl" if cuda else "gloo"
    distributed.init_process_group(backend, init_method=meeting, rank=rank, world_size=size, timeout=PATIENCE)
    yield Team(rank, size)
    # Not after an error: this would wait for what the others will never do. They are ended with this process.
    distributed.destroy_process_group()


@contextmanager
def team(compute: ComputeSettings) -> Iterator[Team]:
    """Join the processes that torchrun started; a process that it did not start is a team of its own."""
    if not started_by_torchrun():
        yield Team()
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    with joined(compute, rank=rank, size=size, meeting="env://") as joint:
        yield joint


def launch(work: Callable[[Team], None], compute: ComputeSettings) -> None:
    """Run ``work`` in ``compute.processes`` new processes and wait; if one ends badly, all are ended.

    Args:
        work: A function of a module, or a `partial` of one, that can be pickled.
        compute: How many processes, and on what.

    Raises:
        RuntimeError: A process failed; the traceback is in the message.
    """
    with tempfile.TemporaryDirectory(prefix="breathline-") as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        context = start_processes(  # type: ignore[no-untyped-call]
            _member, (work, compute, meeting), nprocs=compute.processes, join=False, start_method="spawn"
        )
        try:
            while not context.join(grace_period=5):
                pass
        except (ProcessExitedException, ProcessRaisedException) as error:
            raise RuntimeError(str(error).strip()) from error
        finally:
            for process in context.processes:
                if process.is_alive():
                    process.kill()


def _member(rank: int, work: Callable[[Team], None], compute: ComputeSettings, meeting: str) -> None:
    """Be one of the processes of a training."""
    with joined(compute, rank=rank, size=compute.processes, meeting=meeting) as joint:
        work(joint)
