"""Moving averages of a network's weights."""

import copy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from models.networks.base import Network
from models.training.settings import MovingAverageSettings


class WeightAverage:
    """Average of a network's weights over the steps of its training; this base class does not average.

    Attributes:
        network: Network with the averaged weights, which is evaluated and saved.
    """

    def __init__(self, network: Network) -> None:
        self.network = network

    def update(self) -> None:
        """Update the average after a step of the optimiser."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a checkpoint needs beyond the network itself."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state. The network's own weights must be restored first."""


class ExponentialAverage(WeightAverage):
    """Exponential moving average v ← β v + (1 − β) w of the weights w and of BatchNorm's statistics.

    It starts from the weights after the first step. The numbers are those of `torch.optim.swa_utils.AveragedModel`,
    which would synchronise with a GPU in each step to read its step counter.
    """

    def __init__(self, network: Network, decay: float) -> None:
        super().__init__(copy.deepcopy(network).requires_grad_(requires_grad=False))
        self.decay, self.steps = decay, 0
        pairs = list(zip(_tensors(self.network), _tensors(network), strict=True))
        real = [pair for pair in pairs if pair[0].is_floating_point()]
        self._averages, self._live = [average for average, _ in real], [live for _, live in real]
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Update v ← β v + (1 − β) w; integers, such as BatchNorm's counts, are copied."""
        torch._foreach_lerp_(self._averages, self._live, 1 - self.decay if self.steps else 1.0)
        for average, live in self._counts:
            average.copy_(live)
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the average and its number of steps."""
        return {"steps": self.steps, "network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state."""
        self.steps = state["steps"]
        self.network.load_state_dict(state["network"])


class ReferenceAverage(WeightAverage):
    """The "moving average" in the code of works (a) and (b): w ← β w_before + (1 − β) w_after in each step.

    The training continues from the result. So each step is shortened to 1 − β, as with the learning rate (1 − β) · lr.
    As published, the average includes BatchNorm's statistics, which then also change more slowly.
    """

    def __init__(self, network: Network, decay: float, modules: tuple[nn.Module, ...]) -> None:
        super().__init__(network)
        self.decay = decay
        trained = [p for module in (network, *modules) for p in module.parameters() if p.requires_grad]
        statistics = [b for module in (network, *modules) for b in module.buffers() if b.is_floating_point()]
        self._live = [tensor.detach() for tensor in (*trained, *statistics)]
        self._before = [live.clone() for live in self._live]

    @torch.no_grad()
    def update(self) -> None:
        """Undo the fraction β of the step."""
        torch._foreach_lerp_(self._live, self._before, self.decay)
        torch._foreach_copy_(self._before, self._live)

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Start from the current weights, which are those before the next step."""
        torch._foreach_copy_(self._before, self._live)


def create(settings: MovingAverageSettings, network: Network, *modules: nn.Module) -> WeightAverage:
    """Return the moving average of a network.

    Args:
        settings: Kind and decay of the average.
        network: Network that is trained.
        modules: Other trained modules, which only the kind ``reference`` averages, too.
    """
    if settings.kind == "ema":
        return ExponentialAverage(network, settings.decay)
    if settings.kind == "reference":
        return ReferenceAverage(network, settings.decay, modules)
    return WeightAverage(network)


def _tensors(module: nn.Module) -> list[Tensor]:
    """Return the parameters and buffers of a module."""
    return [tensor.detach() for tensor in chain(module.parameters(), module.buffers())]
