"""Cards and tensors of networks that were never trained, for exports."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.frontends.registry import create as create_front_end
from models.heads import KEY, Head, Heads
from models.networks.base import Network
from models.networks.registry import create

CLASSES = ["normal", "crackle", "wheeze", "both"]
HEADS = Heads(
    {
        "icbhi": Head(labels="lungsound_4", classes=tuple(CLASSES), shared=(0, 1, 2, 3)),
        "other": Head(labels="five", classes=("normal", "fine", "coarse", "wheeze", "rub"), shared=(0, 1, 1, 2, None)),
    }
)
TINY: dict[str, tuple[str, dict[str, Any]]] = {  # a small architecture for each front end
    "ast": ("ast", {"size": "tiny", "depth": 1, "stride": 16}),
    "beats": ("beats", {"width": 64, "depth": 1}),
    "clap": ("clap", {"width": 4, "depths": [1, 1, 1, 1]}),
    "efficientat": ("timm/test_resnet", {"width": 0.35}),
    "fbank": ("mn", {"width": 0.1}),
    "panns": ("cnn6", {}),
}
SPREAD = 1.5  # standard deviation of the logits of different cycles; that of random networks is often close to 0


def model(
    frontend: str,
    architecture: str,
    options: Mapping[str, Any],
    *,
    duration_s: float = 1.0,
    pad: str = "repeat",
    fade: bool = True,
    heads: Heads | None = None,
    normalized: bool = False,
    threshold: float | None = None,
    novelty: bool = False,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the card and the tensors of a random network; BatchNorm has statistics of random features."""
    torch.manual_seed(1)
    front_end = create_front_end(frontend, duration_s)
    shape = {"frames": front_end.frames, "mels": front_end.mels}
    network = create(
        architecture,
        **shape,
        classes=len(CLASSES) if heads is None else heads.outputs,
        options=options,
        weights=None,
        duration_s=duration_s,
    )
    clips = torch.logspace(-3, 0, 8)[:, None] * torch.randn(8, front_end.samples)
    clips[::2, front_end.samples // 2 :] = 0  # silence, as of padded clips
    spread_logits(network, front_end(clips))
    card: dict[str, Any] = {
        "architecture": architecture,
        "options": dict(options),
        **shape,
        "frontend": frontend,
        "duration_s": duration_s,
        "pad": pad,
        "fade": fade,
        "labels": "lungsound_4",
        "classes": CLASSES,
        "selections": {"val": {}},
        "decision_rules": {"val": {"threshold": threshold}},
    }
    if heads is not None:
        card[KEY] = heads.card()
    if normalized:
        card["normalization"] = {"level": "none", "spectrum": "recording", "mean": [0.5] * front_end.mels}
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    if novelty:
        state["novelty.mean"] = torch.randn(network.num_features)
        state["novelty.components"] = torch.randn(3, network.num_features)
    return card, state


@torch.no_grad()
def spread_logits(network: Network, features: Tensor, spread: float = SPREAD, *, centred: bool = False) -> None:
    """Let BatchNorm take the statistics of features, and scale the last layer to logits that tell them apart.

    Args:
        network: The network.
        features: Features ``(clips, frames, mels)``.
        spread: Standard deviation of the logits.
        centred: Whether the logits of each class get a mean of 0, as random networks have about.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    network.train()(features)
    logits = network.eval()(features)
    [*_, last] = [module for module in network.head.modules() if isinstance(module, nn.Linear)]
    last.weight *= spread / logits.std(dim=0).mean()
    if centred:
        last.bias -= network(features).mean(dim=0)
