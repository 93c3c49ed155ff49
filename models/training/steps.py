"""Training step: gradients of a batch, optimiser, learning rate, moving average."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from models.networks.base import Network
from models.training.averaging import WeightAverage
from models.training.batches import MicroBatch
from models.training.distributed import ProcessGroup
from models.training.objectives import Objective, Targets


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

    Attributes:
        passes: Number of cycles that passed forward and backward, of all processes; SAM counts each cycle twice.
    """

    def __init__(
        self,
        loss: nn.Module,
        optimizer: Optimizer,
        rates: LRScheduler,
        average: WeightAverage,
        *,
        context: Callable[[], AbstractContextManager[None]],
        group: ProcessGroup,
    ) -> None:
        self._loss, self._optimizer, self._rates, self._average = loss, optimizer, rates, average
        self._context, self._group = context, group
        self.passes = 0

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        return float(self._rates.get_last_lr()[0])

    def take(self, batch: Sequence[MicroBatch]) -> Tensor:
        """Take a step and return the mean loss of the batch as a tensor."""
        # torch's stubs require a closure that returns a float; a tensor avoids a synchronisation with the GPU.
        loss = cast("Tensor", self._optimizer.step(cast("Any", lambda: self._gradients(batch))))
        self._rates.step()
        self._average.update()
        return self._group.mean(loss)

    def _gradients(self, batch: Sequence[MicroBatch]) -> Tensor:
        """Return the mean loss of this process's slice of a batch, and compute the gradients of the whole batch.

        The loss of a batch is the mean over its micro-batches, weighted by their sizes. It equals that of the whole
        batch unless cycles interact, as in BatchNorm or in the pairs of Patch-Mix.
        """
        self._optimizer.zero_grad(set_to_none=True)
        losses = []
        for number, micro_batch in enumerate(batch, start=1):
            with self._no_gradient_sync() if number < len(batch) else nullcontext():
                with self._context():
                    loss = self._loss(micro_batch.features, micro_batch.targets) * micro_batch.weight
                loss.backward()
            losses.append(loss.detach())
            self.passes += len(micro_batch.features) * self._group.size
        return torch.stack(losses).sum()

    def _no_gradient_sync(self) -> AbstractContextManager[None]:
        """Return a context without gradient exchange between processes, which happens with the last micro-batch."""
        if isinstance(self._loss, DistributedDataParallel):
            context: AbstractContextManager[None] = self._loss.no_sync()
            return context
        return nullcontext()
