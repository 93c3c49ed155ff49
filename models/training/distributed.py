"""Training by several processes with DistributedDataParallel (DDP)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch._C._distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from models.training.settings import ComputeSettings

Result = TypeVar("Result")
TIMEOUT = timedelta(hours=1)  # longest wait of the other processes while the main one evaluates an epoch
JOIN_TIMEOUT = timedelta(minutes=10)  # longest wait for processes that start at the same time


class JoinError(TimeoutError):
    """The processes of a training have not found each other."""


class MainProcessError(RuntimeError):
    """The main process of a training failed; raised in the other ones."""


@dataclass(frozen=True)
class ProcessGroup:
    """Processes of one training, each with its slice of every batch; the main one also evaluates, saves and logs."""

    rank: int = 0  # number of this process, from 0
    size: int = 1  # number of processes

    @property
    def is_main(self) -> bool:
        """True if this process evaluates, saves and logs."""
        return self.rank == 0

    def synchronise_batch_norm(self, *modules: nn.Module, device: torch.device) -> None:
        """Synchronise the statistics of every BatchNorm over the processes, which torch supports only on GPUs.

        On CPUs each process normalises by its own slice of a batch; the running statistics are those of the main one.
        """
        if self.size > 1 and device.type == "cuda":
            from timm.layers.norm_act import convert_sync_batchnorm  # with torchvision

            for module in modules:
                convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]

    def average_gradients(self, loss: nn.Module, *, unused: bool) -> nn.Module:
        """Return a loss whose gradients are averaged over the processes.

        Args:
            loss: Loss module on its device.
            unused: Whether the loss may leave parameters without a gradient.
        """
        if self.size == 1:
            return loss
        return DistributedDataParallel(loss, find_unused_parameters=unused)

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of a value over the processes."""
        if self.size > 1:
            distributed.all_reduce(value)
            value /= self.size
        return value

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            distributed.barrier()

    def compute_on_main(self, work: Callable[[], Result]) -> Result:
        """Compute a value in the main process and return it in every process.

        Raises:
            MainProcessError: The main process failed; raised in the other processes with its message.
        """
        if self.size == 1:
            return work()
        message: list[Any] = [None, None]
        if self.is_main:
            try:
                message[0] = work()
            except BaseException as error:
                distributed.broadcast_object_list([None, f"{type(error).__name__}: {error}"])
                raise
        distributed.broadcast_object_list(message)
        result, failure = message
        if failure is not None:
            raise MainProcessError(f"The main process failed: {failure}")
        shared: Result = result
        return shared


def check_processes(compute: ComputeSettings) -> None:
    """Check that the machine has a GPU for each process.

    Raises:
        ValueError: There are fewer GPUs than processes.
    """
    gpus = torch.cuda.device_count()
    if compute.processes > 1 and compute.device != "cpu" and 0 < gpus < compute.processes:
        raise ValueError(f"compute.processes is {compute.processes}, and torch finds {gpus} GPUs; lower it to {gpus}.")


@contextmanager
def process_group(
    compute: ComputeSettings,
    *,
    rank: int,
    size: int,
    init_method: str,
    local_rank: int | None = None,
    join_timeout: timedelta = JOIN_TIMEOUT,
) -> Iterator[ProcessGroup]:
    """Join the process group of a training within the block.

    Args:
        compute: Device of the training: NCCL connects GPUs, Gloo CPUs.
        rank: Number of this process, from 0.
        size: Number of processes.
        init_method: Address of the group, as `torch.distributed.init_process_group` takes it.
        local_rank: Number of this process on its machine, and of its GPU; equal to ``rank`` on a single machine.
        join_timeout: Longest wait for the other processes.

    Raises:
        JoinError: Not all processes have come in time.
    """
    cuda = compute.device != "cpu" and torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(rank if local_rank is None else local_rank)
    store = _rendezvous(rank, size, init_method, join_timeout)
    backend = "nccl" if cuda else "gloo"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=TIMEOUT)
    yield ProcessGroup(rank, size)
    # After an error this would wait for the other processes forever; they are ended with this process.
    distributed.destroy_process_group()


def _rendezvous(rank: int, size: int, init_method: str, timeout: timedelta) -> Store:
    """Wait until all processes have come, and return the store that they share."""
    seconds = f"{timeout.total_seconds():g} s"
    try:
        store: Store = next(rendezvous(init_method, rank, size, timeout=timeout))[0]
    except (RuntimeError, ValueError) as error:
        raise JoinError(f"The {size} processes of the training did not find each other within {seconds}.") from error
    keys = {other: f"came/{other}" for other in range(size)}
    store.set(keys[rank], "yes")
    try:
        store.wait(list(keys.values()), timeout)
    except RuntimeError as error:
        absent = [str(other) for other, key in keys.items() if not store.check([key])]
        what = f"{len(absent)} of {size} processes of the training did not come within {seconds}"
        raise JoinError(f"{what}: rank {', '.join(absent)}.") from error
    return store
