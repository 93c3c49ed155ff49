"""What is minimised. An objective owns its loss and any module beyond the network that it trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.base import Network


@dataclass(frozen=True)
class Targets:
    """What a batch, or a part of it that passes the network at once, should give.

    Attributes:
        labels: Class indices ``(batch,)``.
        soft: Soft labels ``(batch, classes)``, or none where no teachers labelled the cycles.
        mix: What the objective drew for this step, if it draws anything.
        whole: The labels of the whole batch that these are a part of; none: these are all.
    """

    labels: Tensor
    soft: Tensor | None
    mix: Any = None
    whole: Tensor | None = None


class Objective(nn.Module, ABC):
    """Called with a network, features ``(batch, frames, mels)`` and their targets; gives the mean loss, a scalar."""

    def draw(self, network: Network, parts: Sequence[int], generator: torch.Generator) -> Sequence[Any]:
        """Return the random choices of one step, for `Targets.mix`: both passes of SAM see the same ones.

        Args:
            network: What is trained.
            parts: Cycles of each part of the batch that passes the network at once, in all processes.
            generator: On the CPU.

        Returns:
            The choices for each part.
        """
        return [None] * len(parts)

    @abstractmethod
    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of a batch."""


class CrossEntropy(Objective):
    """Cross-entropy with the labels, smoothed and weighted by class where asked for."""

    def __init__(self, label_smoothing: float = 0.0, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.register_buffer("class_weights", class_weights)

    def of(self, logits: Tensor, labels: Tensor, whole: Tensor | None) -> Tensor:
        """Return the mean cross-entropy of logits ``(batch, classes)``, in single precision.

        Weighted it is Σ w_i ℓ_i / (n w̄) over n cycles, with w̄ the mean weight in the whole batch and not in this part
        of it: the mean over all parts is then what the whole batch gives, Σ w_i ℓ_i / Σ w_i.

        Args:
            logits: Of the cycles.
            labels: Class indices ``(batch,)``.
            whole: See `Targets`.
        """
        weight, logits = self.class_weights, logits.float()
        if not isinstance(weight, Tensor):
            return F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        total = F.cross_entropy(logits, labels, weight, label_smoothing=self.label_smoothing, reduction="sum")
        return total / (len(labels) * weight[labels if whole is None else whole].mean())

    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean cross-entropy of a batch."""
        return self.of(network(features), targets.labels, targets.whole)


class SoftLabels(Objective):
    """Cross-entropy with the teachers' soft labels (Toikkanen & Kim, INTERSPEECH 2025).

    As published hard labels play no part; beyond that they may have a share h: (1 − h) · soft + h · hard. The
    temperature belongs to the soft labels; the student's own logits are taken at T = 1, as published.

    Args:
        hard_share: h.
        hard: The cross-entropy with the hard labels.
    """

    def __init__(self, hard_share: float = 0.0, hard: CrossEntropy | None = None) -> None:
        super().__init__()
        self.hard_share, self.hard = hard_share, hard or CrossEntropy()

    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean of −Σ_c q_c log p_c over a batch, q the soft label and p the student's softmax."""
        if targets.soft is None:
            raise ValueError("The objective soft_labels needs soft labels, and there are none: train teachers first.")
        logits = network(features).float()
        loss = F.cross_entropy(logits, targets.soft)
        if not self.hard_share:
            return loss
        return (1 - self.hard_share) * loss + self.hard_share * self.hard.of(logits, targets.labels, targets.whole)
