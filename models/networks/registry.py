"""The architectures by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from models.networks.ast import AST, ASTOptions
from models.networks.base import Network, parse_options
from models.networks.mobilenet import MobileNet, MobileNetOptions
from models.networks.timm_cnn import TimmCNN, TimmOptions

TIMM = "timm/"
ARCHITECTURES = ("ast", "mn", f"{TIMM}<any model of timm>")


def create(
    architecture: str, *, frames: int, mels: int, classes: int, options: Mapping[str, Any], weights: Path | None
) -> Network:
    """Return a network, new or started from published weights.

    Args:
        architecture: ``ast``, ``mn`` (EfficientAT's MobileNetV3) or ``timm/<name>``.
        frames: Frames of the features.
        mels: Mel bins of the features.
        classes: Number of logits.
        options: The architecture's own, as in params.yaml.
        weights: A folder ``data/weights/<name>``; none, or one without ``model.safetensors``, is the random start.

    Raises:
        ValueError: Unknown architecture or option, or weights that do not fit.
    """
    file = weights / "model.safetensors" if weights is not None else None
    state = load_file(file) if file is not None and file.exists() else None
    network: AST | MobileNet | TimmCNN
    if architecture == "ast":
        network = AST(parse_options(ASTOptions, options, architecture), frames=frames, mels=mels, classes=classes)
    elif architecture == "mn":
        mn_options = parse_options(MobileNetOptions, options, architecture)
        network = MobileNet(mn_options, classes=classes, pretrained=state is not None)
    elif architecture.startswith(TIMM):
        timm_options = parse_options(TimmOptions, options, architecture)
        network = TimmCNN(architecture.removeprefix(TIMM), timm_options, classes=classes)
    else:
        raise ValueError(f"There is no architecture {architecture}; there are {', '.join(ARCHITECTURES)}.")
    if state is not None:
        network.load_pretrained(state, source=str(weights))
    return network
