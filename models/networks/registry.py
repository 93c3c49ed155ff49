"""The architectures by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from models.networks.ast import AST, ASTOptions
from models.networks.base import Network, parse_options
from models.networks.beats import Beats, BeatsOptions
from models.networks.clap import Clap, ClapOptions
from models.networks.mobilenet import MobileNet, MobileNetOptions
from models.networks.panns import SHAPES as PANNS
from models.networks.panns import PANNs, PANNsOptions
from models.networks.resnet import resnet10
from models.networks.ssast import SSAST, SSASTOptions
from models.networks.timm_cnn import TimmOptions, by_name

TIMM = "timm/"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a network is built for.

    Attributes:
        frames: Frames of the features.
        mels: Mel bins of the features.
        classes: Number of logits.
        pretrained: Whether published weights will follow.
    """

    frames: int
    mels: int
    classes: int
    pretrained: bool


@dataclass(frozen=True)
class Architecture:
    """The options of an architecture, as params.yaml gives them, and how it is built from these for a task."""

    options: type[Any]
    build: Callable[[Any, Task], Network]


def panns(name: str, options: PANNsOptions, task: Task) -> Network:
    """Return CNN6, CNN10 or CNN14."""
    return PANNs(name, options, frames=task.frames, mels=task.mels, classes=task.classes)


ARCHITECTURES: dict[str, Architecture] = {
    "ast": Architecture(
        ASTOptions, lambda options, task: AST(options, frames=task.frames, mels=task.mels, classes=task.classes)
    ),
    "ssast": Architecture(
        SSASTOptions, lambda options, task: SSAST(options, frames=task.frames, mels=task.mels, classes=task.classes)
    ),
    "beats": Architecture(
        BeatsOptions, lambda options, task: Beats(options, frames=task.frames, mels=task.mels, classes=task.classes)
    ),
    "clap": Architecture(
        ClapOptions, lambda options, task: Clap(options, frames=task.frames, mels=task.mels, classes=task.classes)
    ),
    "mn": Architecture(
        MobileNetOptions,
        lambda options, task: MobileNet(options, classes=task.classes, pretrained=task.pretrained),
    ),
    **{name: Architecture(PANNsOptions, partial(panns, name)) for name in PANNS},
    "resnet10": Architecture(TimmOptions, lambda options, task: resnet10(options, classes=task.classes)),
}


def find(architecture: str) -> Architecture:
    """Return an entry of the table, or what stands for ``timm/<name>``.

    Raises:
        ValueError: There is none of that name; the error lists those that there are.
    """
    if architecture.startswith(TIMM):
        name = architecture.removeprefix(TIMM)
        return Architecture(TimmOptions, lambda options, task: by_name(name, options, classes=task.classes))
    if architecture not in ARCHITECTURES:
        known = ", ".join([*ARCHITECTURES, f"{TIMM}<any CNN of timm>"])
        raise ValueError(f"There is no architecture {architecture}; there are {known}.")
    return ARCHITECTURES[architecture]


def create(
    architecture: str, *, frames: int, mels: int, classes: int, options: Mapping[str, Any], weights: Path | None
) -> Network:
    """Return a network, new or started from published weights.

    Args:
        architecture: A name of `ARCHITECTURES`, or ``timm/<name>``.
        frames: Frames of the features.
        mels: Mel bins of the features.
        classes: Number of logits.
        options: The architecture's own, as in params.yaml.
        weights: A folder ``data/weights/<name>``; none, or one without ``model.safetensors``, is the random start.

    Raises:
        ValueError: Unknown architecture or option, or weights that do not fit.
    """
    entry = find(architecture)
    file = weights / "model.safetensors" if weights is not None else None
    state = load_file(file) if file is not None and file.exists() else None
    task = Task(frames=frames, mels=mels, classes=classes, pretrained=state is not None)
    network = entry.build(parse_options(entry.options, options, architecture), task)
    if state is not None:
        network.load_pretrained(state, source=str(weights))
    return network
