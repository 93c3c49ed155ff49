"""One step of a training: loss and gradients of a batch, optimiser, learning rate, average."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from models.networks.base import Network
from models.training.averaging import Average
from models.training.batches import MicroBatch
from models.training.distributed import Team
from models.training.objectives import Objective, Targets


class Loss(nn.Module):
    """An objective with its network: one module, for what is to be compiled or to share its gradients."""

    def __init__(self, network: Network, objective: Objective) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of features ``(cycles, frames, mels)``."""
        loss: Tensor = self.objective(self.network, features, targets)
        return loss


class Steps:
    """Takes steps. Nothing in them waits for a GPU.

    Args:
        loss: The network's loss; of several processes, with shared gradients.
        optimizer: Steps with a closure, which it may call more than once.
        rates: The schedule of its learning rate.
        average: The network's moving average.
        context: What a forward pass runs in.
        team: The processes of the training.

    Attributes:
        passes: Cycles that went forward and backward through the network, in all processes: twice a step with SAM.
    """

    def __init__(
        self,
        loss: nn.Module,
        optimizer: Optimizer,
        rates: LRScheduler,
        average: Average,
        *,
        context: Callable[[], AbstractContextManager[None]],
        team: Team,
    ) -> None:
        self._loss, self._optimizer, self._rates, self._average = loss, optimizer, rates, average
        self._context, self._team = context, team
        self.passes = 0

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._rates.get_last_lr()[0])

    def take(self, batch: Sequence[MicroBatch]) -> Tensor:
        """Take a step, and return the mean loss of the batch as a tensor."""
        # torch's stubs ask for a closure that returns a float; a tensor spares a synchronisation a step.
        loss = cast("Tensor", self._optimizer.step(cast("Any", lambda: self._gradients(batch))))
        self._rates.step()
        self._average.update()
        return self._team.mean(loss)

    def _gradients(self, batch: Sequence[MicroBatch]) -> Tensor:
        """Return the mean loss of this process's share of a batch, and leave the gradients of the whole batch.

        The loss of a batch is the mean of its micro-batches', weighted by their sizes. That is what the whole batch
        would give, unless cycles meet in the network or the objective: in BatchNorm, or in the pairs of Patch-Mix.
        """
        self._optimizer.zero_grad(set_to_none=True)
        losses = []
        for number, micro_batch in enumerate(batch, start=1):
            with self._without_exchange() if number < len(batch) else nullcontext():
                with self._context():
                    loss = self._loss(micro_batch.features, micro_batch.targets) * micro_batch.share
                loss.backward()
            losses.append(loss.detach())
            self.passes += len(micro_batch.features) * self._team.size
        return torch.stack(losses).sum()

    def _without_exchange(self) -> AbstractContextManager[None]:
        """Return a context that leaves gradients in their process: they are exchanged with the last micro-batch's."""
        if isinstance(self._loss, DistributedDataParallel):
            exchange: AbstractContextManager[None] = self._loss.no_sync()
            return exchange
        return nullcontext()
