"""Training by several processes with DistributedDataParallel (DDP)."""

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
TIMEOUT = timedelta(hours=1)  # longest wait of the other processes while the main one evaluates an epoch


@dataclass(frozen=True)
class ProcessGroup:
    """Processes of one training, each with its slice of every batch; the main one also evaluates, saves and logs."""

    rank: int = 0  # number of this process, from 0
    size: int = 1  # number of processes

    @property
    def is_main(self) -> bool:
        """Whether this process evaluates, saves and logs."""
        return self.rank == 0

    def synchronise_batch_norm(self, *modules: nn.Module, device: torch.device) -> None:
        """Synchronise the statistics of every BatchNorm over the processes, which torch supports only on GPUs.

        On CPUs each process normalises by its own slice of a batch; the running statistics are those of the main one.
        """
        if self.size > 1 and device.type == "cuda":
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
            RuntimeError: The main process failed; raised in the other processes with its message.
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
            raise RuntimeError(f"The main process failed: {failure}")
        shared: Result = result
        return shared


def started_by_torchrun() -> bool:
    """Return whether a launcher such as torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def check_processes(compute: ComputeSettings) -> None:
    """Check that the machine has a GPU for each process.

    Raises:
        ValueError: There are fewer GPUs than processes.
    """
    gpus = torch.cuda.device_count()
    if compute.processes > 1 and compute.device != "cpu" and 0 < gpus < compute.processes:
        raise ValueError(f"compute.processes is {compute.processes}, and torch finds {gpus} GPUs; lower it to {gpus}.")


@contextmanager
def process_group(compute: ComputeSettings, *, rank: int, size: int, init_method: str) -> Iterator[ProcessGroup]:
    """Join the process group of a training within the block.

    Args:
        compute: Device of the training: NCCL connects GPUs, Gloo CPUs.
        rank: Number of this process, from 0.
        size: Number of processes.
        init_method: Address of the group, as `torch.distributed.init_process_group` takes it.
    """
    cuda = compute.device != "cpu" and torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)))
    backend = "nccl" if cuda else "gloo"
    distributed.init_process_group(backend, init_method=init_method, rank=rank, world_size=size, timeout=TIMEOUT)
    yield ProcessGroup(rank, size)
    # After an error this would wait for the other processes forever; they are ended with this process.
    distributed.destroy_process_group()


@contextmanager
def torchrun_group(compute: ComputeSettings) -> Iterator[ProcessGroup]:
    """Join the process group that torchrun started; without torchrun, yield a group of one process."""
    if not started_by_torchrun():
        yield ProcessGroup()
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    with process_group(compute, rank=rank, size=size, init_method="env://") as joint:
        yield joint


def launch(work: Callable[[ProcessGroup], None], compute: ComputeSettings) -> None:
    """Run a function in ``compute.processes`` new processes and wait for them; if one fails, all are ended.

    Args:
        work: Function that can be pickled: one of a module, or a `partial` of one.
        compute: Number of processes and device.

    Raises:
        RuntimeError: A process failed; the message holds its traceback.
    """
    with tempfile.TemporaryDirectory(prefix="breathline-") as folder:
        init_method = (Path(folder) / "rendezvous").as_uri()
        context = start_processes(  # type: ignore[no-untyped-call]
            _run_process, (work, compute, init_method), nprocs=compute.processes, join=False, start_method="spawn"
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


def _run_process(rank: int, work: Callable[[ProcessGroup], None], compute: ComputeSettings, init_method: str) -> None:
    """Join the process group and call the function."""
    with process_group(compute, rank=rank, size=compute.processes, init_method=init_method) as joint:
        work(joint)
