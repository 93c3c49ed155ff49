"""Waveform networks with a linear network: what is around a network, exported in a second."""

import torch
from torch import Tensor, nn

from models.decision_rules import DecisionRule
from models.export.waveform_network import Novelty, WaveformNetwork
from models.frontends.registry import create
from models.networks.base import Network
from tests.unit.models.export import cards


class LinearNetwork(Network):
    """Mean over frames, then one linear layer."""

    def __init__(self, mels: int, outputs: int) -> None:
        super().__init__()
        self.num_features, self.head = mels, nn.Linear(mels, outputs)
        self.table = nn.Parameter(torch.ones(mels, mels))

    def embed(self, features: Tensor) -> Tensor:
        # The exporter names a value `embedding`, like the output.
        return features.mean(1) + 0 * nn.functional.embedding(features.argmax(2)[:, 0], self.table)


def waveform_network(frontend: str) -> WaveformNetwork:
    """Return a waveform network of a front end, with heads, offsets, padding or thresholds that differ from others."""
    torch.manual_seed(1)
    front_end = create(frontend, 0.6, pad="zero" if frontend == "panns" else "repeat", fade=frontend != "clap")
    heads = cards.HEADS if frontend == "efficientat" else None
    network = LinearNetwork(front_end.mels, 4 if heads is None else heads.outputs)
    return WaveformNetwork(
        front_end,
        network,
        classes=4,
        heads=heads,
        rule=DecisionRule(threshold=0.3 if frontend in ("ast", "beats") else None),
        normalized=frontend in ("ast", "fbank"),
        novelty=None if frontend == "clap" else Novelty(torch.zeros(front_end.mels), torch.eye(front_end.mels)[:5]),
    ).eval()
