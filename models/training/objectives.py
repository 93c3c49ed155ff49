"""Training objectives: the loss, and modules that are trained with it (such as a projector)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.networks.base import Network


@dataclass(frozen=True)
class Targets:
    """Targets of a batch, or of a part of it that passes the network at once."""

    labels: Tensor  # class indices `(batch,)`
    soft: Tensor | None  # soft labels `(batch, classes)`; none without teachers
    mix: Any = None  # random choices of the objective for this step, if any
    batch_labels: Tensor | None = None  # labels of the whole batch, if these are a part of it


class Objective(nn.Module, ABC):
    """Module from a network, features ``(batch, frames, mels)`` and their targets to the mean loss, a scalar.

    Attributes:
        divisible: Whether the loss of a batch is the mean of the losses of its cycles, each computed by itself.
    """

    divisible = True

    def draw(self, network: Network, parts: Sequence[int], generator: torch.Generator) -> Sequence[Any]:
        """Draw the random choices of one step for `Targets.mix`; both passes of SAM use the same ones.

        Args:
            network: Network that is trained.
            parts: Number of cycles in each part of the batch that passes the network at once, of all processes.
            generator: Random generator on the CPU.

        Returns:
            Choices for each part.
        """
        return [None] * len(parts)

    @abstractmethod
    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of a batch, a scalar.

        Args:
            network: Network on its device.
            features: Features ``(batch, frames, mels)``, augmented.
            targets: Labels, soft labels and random choices of the batch.
        """


class CrossEntropy(Objective):
    """Cross-entropy or focal loss with the labels, with optional label smoothing and class weights.

    The focal loss (Lin et al., ICCV 2017, arXiv 1708.02002) is the cross-entropy of a cycle times (1 − p)^γ, where p is
    the probability of its class.

    Args:
        label_smoothing: Part of the target that is spread over all classes of the head, 0 to 1.
        class_weights: Weight of each class; None for equal ones.
        heads: Number of classes of each corpus's head; empty with one head. The loss of a cycle is the cross-entropy
            over the classes of its own head; the other heads get no gradient from it.
        focal_gamma: Exponent γ of the focal loss, from 0, which is cross-entropy.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        class_weights: Tensor | None = None,
        heads: Sequence[int] = (),
        focal_gamma: float = 0.0,
    ) -> None:
        super().__init__()
        self.label_smoothing, self.heads, self.focal_gamma = label_smoothing, tuple(heads), focal_gamma
        self.register_buffer("class_weights", class_weights)

    def mean_loss(self, logits: Tensor, labels: Tensor, batch_labels: Tensor | None) -> Tensor:
        """Return the mean loss of logits in single precision.

        With class weights it is Σ w_i ℓ_i / (n w̄) over n cycles, with w̄ the mean weight in the whole batch. The mean
        over all parts is then that of the whole batch, Σ w_i ℓ_i / Σ w_i.

        Args:
            logits: Logits ``(batch, classes)``.
            labels: Class indices ``(batch,)``.
            batch_labels: Labels of the whole batch, if these are a part of it.
        """
        given, logits = self.class_weights, logits.float()
        weight = given if isinstance(given, Tensor) else None
        if weight is None and not self.heads and not self.focal_gamma:
            return F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        total = self._total(logits, labels, weight)
        if weight is None:
            return total / len(labels)
        return total / (len(labels) * weight[labels if batch_labels is None else batch_labels].mean())

    def _total(self, logits: Tensor, labels: Tensor, weight: Tensor | None) -> Tensor:
        """Return the sum of the losses over cycles, each over the classes of its own head."""
        if not self.heads:
            return self._sum(logits, labels, weight)
        total = logits.new_zeros(())
        for start, end in pairwise(accumulate(self.heads, initial=0)):
            own = (labels >= start) & (labels < end)
            weights = None if weight is None else weight[start:end]
            total = total + self._sum(logits[own, start:end], labels[own] - start, weights)
        return total

    def _sum(self, logits: Tensor, labels: Tensor, weight: Tensor | None) -> Tensor:
        """Return the sum of the losses over cycles of one head."""
        reduction = "none" if self.focal_gamma else "sum"
        losses = F.cross_entropy(logits, labels, weight, label_smoothing=self.label_smoothing, reduction=reduction)
        if not self.focal_gamma:
            return losses
        missed = -torch.expm1(-F.cross_entropy(logits, labels, reduction="none"))  # 1 − p
        # At 1 − p = 0 the power with γ < 1 has no finite gradient.
        factors = missed.clamp_min(torch.finfo(logits.dtype).eps) ** self.focal_gamma
        return (factors * losses).sum()

    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean loss of a batch."""
        return self.mean_loss(network(features), targets.labels, targets.batch_labels)


class SoftLabels(Objective):
    """Cross-entropy with the teachers' soft labels (Toikkanen & Kim, INTERSPEECH 2025).

    The published loss uses no hard labels; here they may have a weight h: (1 − h) · soft + h · hard. The temperature
    applies to the soft labels; the student's own logits have T = 1, as published.
    """

    def __init__(self, hard_weight: float = 0.0, hard: CrossEntropy | None = None) -> None:
        super().__init__()
        self.hard_weight, self.hard = hard_weight, hard or CrossEntropy()

    def forward(self, network: Network, features: Tensor, targets: Targets) -> Tensor:
        """Return the mean of −Σ_c q_c log p_c over a batch, with soft label q and the student's softmax p.

        Raises:
            ValueError: The targets have no soft labels.
        """
        if targets.soft is None:
            raise ValueError("The objective soft_labels needs soft labels, and there are none: train teachers first.")
        logits = network(features).float()
        loss = F.cross_entropy(logits, targets.soft)
        if not self.hard_weight:
            return loss
        hard = self.hard.mean_loss(logits, targets.labels, targets.batch_labels)
        return (1 - self.hard_weight) * loss + self.hard_weight * hard
