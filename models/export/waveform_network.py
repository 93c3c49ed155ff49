"""Trained network from waveforms to probabilities, decisions, embeddings and distances."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from models.decision_rules import DecisionRule
from models.export.clips import clips
from models.frontends.base import FrontEnd
from models.heads import LEAST, Head, Heads
from models.networks.base import Network

NOVELTY = ("novelty.mean", "novelty.components")  # tensors beside the network's in an export's weights
INPUTS = ("waveform", "lengths")
OUTPUTS = ("probabilities", "decision", "embedding")


class Novelty(nn.Module):
    """Distance of embeddings from those of the training cycles (`tasks.exporting.novelty`).

    Args:
        mean: Mean embedding of the training cycles ``(features,)``.
        components: Inverse square root of the covariance of the embeddings, ``(features, features)``.
    """

    mean: Tensor
    components: Tensor

    def __init__(self, mean: Tensor, components: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("components", components)

    def forward(self, embedding: Tensor) -> Tensor:
        """Return the distance ``(batch,)`` float32 of embeddings ``(batch, features)``; computed in float64."""
        centred = embedding.double() - self.mean.double()
        return (centred @ self.components.double().T).square().sum(1).sqrt().float()


class WaveformNetwork(nn.Module):
    """Front end, network, probabilities, decision rule and novelty distance as one module.

    Features pass through float16, as those of the feature cache do. Probabilities come from a softmax in float64.

    Args:
        front_end: Front end of the network.
        network: Trained network.
        classes: Number of classes of the predictions.
        heads: Heads of the corpora; None for one head.
        rule: Decision rule of the model.
        normalized: Whether the features are normalised by means of the recording or device. The module then takes
            `offsets` and also returns `means`.
        novelty: Distance from the training cycles; None leaves the output `distance` out.
    """

    def __init__(
        self,
        front_end: FrontEnd,
        network: Network,
        *,
        classes: int,
        heads: Heads | None = None,
        rule: DecisionRule = DecisionRule(),  # noqa: B008 - frozen
        normalized: bool = False,
        novelty: Novelty | None = None,
    ) -> None:
        super().__init__()
        self.front_end, self.network, self.novelty = front_end, network, novelty
        self.normalized, self.threshold = normalized, rule.threshold
        self.shared = None if heads is None else SharedClasses(heads, classes)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return (*INPUTS, "offsets") if self.normalized else INPUTS

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        distance = () if self.novelty is None else ("distance",)
        return (*OUTPUTS, *distance, *(("means",) if self.normalized else ()))

    def forward(self, waveform: Tensor, lengths: Tensor, offsets: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return the outputs, in the order of `output_names`.

        Args:
            waveform: Cycles ``(batch, time)`` float32, mono, at the front end's rate, with any padding at the end.
            lengths: Number of samples of each cycle ``(batch,)`` int64, at least 1.
            offsets: Numbers ``(batch, mels)`` float32 that are added to all frames of each cycle.

        Returns:
            ``probabilities`` ``(batch, classes)`` float32; ``decision`` ``(batch,)`` int64; ``embedding``
            ``(batch, features)`` float32; ``distance`` ``(batch,)`` float32; ``means`` ``(batch, mels)`` float64,
            the mean features over frames before the offsets are added.
        """
        return self.judge(self.features(waveform, lengths), offsets)

    def features(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        """Return the features ``(batch, frames, mels)`` float16, as the feature cache holds them."""
        found: Tensor = self.front_end.features(clips(self.front_end, waveform, lengths)).half()
        return found

    def judge(self, stored: Tensor, offsets: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return the outputs for features ``(batch, frames, mels)`` float16; see `forward`."""
        features = stored.float()
        if offsets is not None:
            features = features + offsets[:, None, :]
        embedding = self.network.embed(features)
        logits = self.network.head(embedding)
        if self.shared is not None:
            logits = self.shared(logits)
        probabilities = logits.double().softmax(1).float()
        outputs: tuple[Tensor, ...] = (probabilities, self._decide(probabilities), embedding)
        if self.novelty is not None:
            outputs += (self.novelty(embedding),)
        return (*outputs, stored.double().mean(1)) if self.normalized else outputs

    def _decide(self, probabilities: Tensor) -> Tensor:
        """Return the predicted classes ``(batch,)``; see `models.decision_rules.classify`."""
        if self.threshold is None:
            return probabilities.argmax(1)
        normal = probabilities[:, 0].double() >= self.threshold
        return torch.where(normal, 0, 1 + probabilities[:, 1:].argmax(1))


class SharedClasses(nn.Module):
    """Log-probabilities of the shared classes from the logits of all heads; see `Heads.shared`.

    Args:
        heads: Heads of the network.
        classes: Number of shared classes.
    """

    def __init__(self, heads: Heads, classes: int) -> None:
        super().__init__()
        self.known: list[list[int]] = []  # columns of each head's classes that map to a shared class
        for number, (corpus, columns) in enumerate(heads.columns()):
            head = heads.by_corpus[corpus]
            known = [index for index, shared in enumerate(head.shared) if shared is not None]
            self.known.append([columns.start + index for index in known])
            self.register_buffer(f"mapping_{number}", _mapping(head, known, classes), persistent=False)

    def forward(self, logits: Tensor) -> Tensor:
        """Return the log-probabilities ``(batch, classes)`` float32 of logits ``(batch, outputs)``."""
        by_head = [
            logits[:, columns].double().softmax(1) @ self.get_buffer(f"mapping_{number}")
            for number, columns in enumerate(self.known)
        ]
        probabilities = torch.stack(by_head).mean(0)
        return probabilities.clamp(min=float(LEAST)).log().float()


def _mapping(head: Head, known: list[int], classes: int) -> Tensor:
    """Return the matrix ``(known classes, shared classes)`` float64 of ones where a class maps to a shared class."""
    matrix = torch.zeros(len(known), classes, dtype=torch.float64)
    for row, index in enumerate(known):
        matrix[row, head.shared[index]] = 1
    return matrix


def novelty_of(state: Mapping[str, Tensor]) -> Novelty | None:
    """Return the novelty distance that an export's tensors hold; None without one.

    Args:
        state: Tensors of an export by name.
    """
    mean, components = (state.get(name) for name in NOVELTY)
    return None if mean is None or components is None else Novelty(mean, components)
