"""Training step: gradients of a batch, optimiser, learning rate, moving average."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LRScheduler

from models.networks.base import Network
from models.training.averaging import WeightAverage
from models.training.base_optimizer import ClosureOptimizer
from models.training.batches import MicroBatch
from models.training.distributed import ProcessGroup
from models.training.memory import StepMemoryError, describe, is_out_of_memory
from models.training.objectives import Objective, Targets

log = logging.getLogger(__name__)


class Loss(nn.Module):
    """Objective and network as one module, which can be compiled or distributed."""

    def __init__(self, network: Network, objective: Objective) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of features ``(cycles, frames, mels)``."""
        loss: Tensor = self.objective(self.network, features, targets)
        return loss


class Steps:
    """Steps of a training, none of which waits for a GPU.

    If memory runs out in a forward or backward pass, the pass is repeated with parts of half the size. Further passes
    keep that size.

    Attributes:
        passes: Number of cycles that passed forward and backward, of all processes; SAM counts each cycle twice.
        limit: Largest number of cycles that pass the network at once since memory ran out; None before.
    """

    def __init__(
        self,
        loss: nn.Module,
        optimizer: ClosureOptimizer,
        rates: LRScheduler,
        average: WeightAverage,
        *,
        context: Callable[[], AbstractContextManager[None]],
        group: ProcessGroup,
        indivisible: str | None = None,
    ) -> None:
        self._loss, self._optimizer, self._rates, self._average = loss, optimizer, rates, average
        self._context, self._group, self._indivisible = context, group, indivisible
        self.passes = 0
        self.limit: int | None = None

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return float(self._rates.get_last_lr()[0])

    @property
    def gradient_norm(self) -> Tensor:
        """Norm of the gradient of the last step, a scalar."""
        return self._optimizer.gradient_norm

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a checkpoint needs."""
        return {"limit": self.limit}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of `state_dict`."""
        self.limit = state_dict["limit"]

    def take(self, batch: Sequence[MicroBatch]) -> Tensor:
        """Take a step and return the mean loss of the batch as a tensor.

        Raises:
            StepMemoryError: The batch does not fit into memory, and cannot be cut into smaller parts.
        """
        loss = self._optimizer.step(lambda: self._gradients(batch))
        self._rates.step()
        self._average.update()
        return self._group.mean(loss)

    def _gradients(self, batch: Sequence[MicroBatch]) -> Tensor:
        """Return the mean loss of this process's slice of a batch, and compute the gradients of the whole batch.

        The loss of a batch is the mean over its micro-batches, weighted by their sizes. It equals that of the whole
        batch unless cycles interact, as in BatchNorm or in the pairs of Patch-Mix.
        """
        restore_random = _random_state(batch[0].features.device)
        while True:
            parts = batch if self.limit is None else [part for whole in batch for part in whole.cut(self.limit)]
            try:
                return self._accumulate(parts)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                # Only the text is kept: the traceback holds the tensors that fill the memory.
                found = describe(error)
            self._lower_limit(max(len(part.features) for part in parts), found)
            restore_random()

    def _lower_limit(self, size: int, found: str) -> None:
        """Free the memory of a failed pass, and halve the number of cycles that pass the network at once.

        Args:
            size: Present number.
            found: Message of the error.
        """
        self._optimizer.zero_grad(set_to_none=True)
        if size == 1:
            raise StepMemoryError(f"Memory ran out in a step with one cycle at once: {found}")
        if self._indivisible is not None:
            what = f"Memory ran out in a step with {size} cycles at once: {found}"
            raise StepMemoryError(f"{what} It is not cut into smaller parts: {self._indivisible}.")
        torch.cuda.empty_cache()  # does nothing without a GPU
        self.limit = (size + 1) // 2
        told = "Memory ran out with %d cycles at once. The training continues with %d at once and the same result; "
        log.warning(told + "`micro_batch: %d` begins with it.", size, self.limit, self.limit)

    def _accumulate(self, batch: Sequence[MicroBatch]) -> Tensor:
        """Return the loss of the micro-batches, and add up their gradients."""
        self._optimizer.zero_grad(set_to_none=True)
        losses = []
        for number, micro_batch in enumerate(batch, start=1):
            with self._no_gradient_sync() if number < len(batch) else nullcontext():
                with self._context():
                    loss = self._loss(micro_batch.features, micro_batch.targets) * micro_batch.weight
                loss.backward()
            losses.append(loss.detach())
        self.passes += sum(len(micro_batch.features) for micro_batch in batch) * self._group.size
        return torch.stack(losses).sum()

    def _no_gradient_sync(self) -> AbstractContextManager[None]:
        """Return a context without gradient exchange between processes, which happens with the last micro-batch."""
        if isinstance(self._loss, DistributedDataParallel):
            context: AbstractContextManager[None] = self._loss.no_sync()
            return context
        return nullcontext()


def _random_state(device: torch.device) -> Callable[[], None]:
    """Return a function that restores the present state of the random generators."""
    state = torch.get_rng_state()
    on_gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def restore() -> None:
        torch.set_rng_state(state)
        if on_gpu is not None:
            torch.cuda.set_rng_state(on_gpu, device)

    return restore
