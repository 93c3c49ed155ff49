"""Moving averages of a network's weights: what is judged and kept after each epoch."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from models.networks.base import Network
from models.training.settings import MovingAverageSettings


class Average(ABC):
    """Follows the weights of a network through its training.

    Attributes:
        judged: The network that is judged and kept.
    """

    judged: Network

    @abstractmethod
    def update(self) -> None:
        """Take in the weights after a step of the optimiser."""

    def state_dict(self) -> dict[str, Any]:
        """Return what an interrupted training needs beyond the network itself."""
        return {}

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; the network must have its own weights back already."""


class Live(Average):
    """The network itself, as it is."""

    def __init__(self, network: Network) -> None:
        self.judged = network

    def update(self) -> None:
        """Do nothing: the network is judged as it is."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing: the network is judged as it is."""


class Exponential(Average):
    """The exponential moving average v ← β v + (1 − β) w of the weights w and of BatchNorm's statistics.

    It starts from the weights after the first step. The numbers are those of `torch.optim.swa_utils.AveragedModel`,
    which would make a GPU wait in each step for the count of the steps.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.judged = copy.deepcopy(network).requires_grad_(requires_grad=False)
        pairs = list(zip(_tensors(self.judged), _tensors(network), strict=True))
        real = [pair for pair in pairs if pair[0].is_floating_point()]
        self._averages, self._live = [average for average, _ in real], [live for _, live in real]
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the weights by 1 − β of the way; counts, such as BatchNorm's, are taken over."""
        torch._foreach_lerp_(self._averages, self._live, 1 - self.decay if self.steps else 1.0)
        for average, live in self._counts:
            average.copy_(live)
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the average and how many steps it has seen."""
        return {"steps": self.steps, "network": self.judged.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.steps = state["steps"]
        self.judged.load_state_dict(state["network"])


class Reference(Average):
    """The published "moving average" (works a and b), which is none: w ← β w_before + (1 − β) w_after in each step.

    The training goes on from the result, so that a step goes 1 − β as far: the same training at the learning rate
    (1 − β) · lr. It takes in all that is trained and, as published, BatchNorm's statistics, which then move slower too.
    """

    def __init__(self, network: Network, decay: float, modules: tuple[nn.Module, ...]) -> None:
        self.judged, self.decay = network, decay
        trained = [p for module in (network, *modules) for p in module.parameters() if p.requires_grad]
        statistics = [b for module in (network, *modules) for b in module.buffers() if b.is_floating_point()]
        self._live = [tensor.detach() for tensor in (*trained, *statistics)]
        self._before = [live.clone() for live in self._live]

    @torch.no_grad()
    def update(self) -> None:
        """Take back β of the step."""
        torch._foreach_lerp_(self._live, self._before, self.decay)
        torch._foreach_copy_(self._before, self._live)

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the weights as they are now: between two steps they are the ones before the next."""
        torch._foreach_copy_(self._before, self._live)


def create(settings: MovingAverageSettings, network: Network, *modules: nn.Module) -> Average:
    """Return the moving average of a network that is on its device already.

    Args:
        settings: Which one.
        network: What is trained and judged.
        modules: What else is trained; only `reference` concerns it.
    """
    if settings.kind == "ema":
        return Exponential(network, settings.decay)
    if settings.kind == "reference":
        return Reference(network, settings.decay, modules)
    return Live(network)


def _tensors(module: nn.Module) -> list[Tensor]:
    """Return the parameters and buffers of a module."""
    return [tensor.detach() for tensor in chain(module.parameters(), module.buffers())]
