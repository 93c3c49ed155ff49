"""Samplers: order of the training cycles in an epoch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from models.training.settings import SamplerName


class Sampler:
    """Sampler of the training cycles; an epoch has as many draws as there are cycles.

    ``shuffle`` takes each cycle once. The others draw with replacement, so that all classes are equally frequent.
    ``weighted`` draws a cycle of the class c with probability ∝ 1 / n(c), where n(c) is the number of cycles of the
    class. With ``device_balanced`` and ``corpus_balanced``, the devices or corpora d of a class are equally frequent,
    too: the probability is ∝ 1 / (D(c) n(c, d)). D(c) is the number of devices with the class, and n(c, d) the number
    of cycles of the class and the device. With a head for each corpus, no two corpora share a class: with
    ``corpus_balanced``, the corpora are then equally frequent as a whole, and so are the classes within each.

    Args:
        name: Name of the sampler.
        labels: Class indices of the training cycles.
        domains: Indices of the devices or corpora of the cycles, for ``device_balanced`` and ``corpus_balanced``.
        heads: Number of classes of each corpus's head; empty with one head.

    Raises:
        ValueError: The sampler needs domains, and there are none.
    """

    def __init__(
        self,
        name: SamplerName,
        labels: npt.NDArray[np.int64],
        domains: npt.NDArray[np.int64] | None = None,
        *,
        heads: Sequence[int] = (),
    ) -> None:
        self._weights: torch.Tensor | None = None
        self._cycles = len(labels)
        if name == "weighted":
            domains = np.zeros_like(labels)
        elif name != "shuffle" and domains is None:
            raise ValueError(f"The sampler {name} needs the device or corpus of each training cycle.")
        if name != "shuffle" and domains is not None:
            counts = np.zeros((labels.max() + 1, domains.max() + 1), dtype=np.int64)
            np.add.at(counts, (labels, domains), 1)
            in_class = (counts > 0).sum(axis=1)
            weights = 1.0 / (in_class[labels] * counts[labels, domains])
            if name == "corpus_balanced" and heads:
                weights /= (counts > 0).sum(axis=0)[domains]
            self._weights = torch.from_numpy(weights)

    def draw(self, generator: torch.Generator) -> npt.NDArray[np.int64]:
        """Return the indices of the training cycles of one epoch."""
        if self._weights is None:
            order = torch.randperm(self._cycles, generator=generator)
        else:
            order = torch.multinomial(self._weights, self._cycles, replacement=True, generator=generator)
        drawn: npt.NDArray[np.int64] = order.numpy()
        return drawn
