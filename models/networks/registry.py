"""Architectures by name: each module of this package that sets ``ARCHITECTURES`` declares some.

A module may also list published sizes and weights in ``VARIANTS``; `breathline models` shows both.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from models import file_names, networks
from models.discovery import assigned
from models.file_reading import read_tensors
from models.networks.architecture import Architecture, Variant, parse_options
from models.networks.base import Network, NetworkSpec
from models.networks.options import TIMM, NetworkOptions
from models.networks.pooling import WindowPooling, Windows


def architectures() -> dict[str, Architecture]:
    """Return all architectures by name; ``timm/`` stands for any convolutional network of timm."""
    return _collect("ARCHITECTURES")


def variants() -> dict[str, Variant]:
    """Return the published sizes of all architectures by name."""
    return _collect("VARIANTS")


def find(architecture: str) -> Architecture:
    """Return the architecture of a name.

    Raises:
        ValueError: There is none of that name; the error lists the known names.
    """
    known = architectures()
    key = TIMM if architecture.startswith(TIMM) else architecture
    if key not in known:
        names = ", ".join(f"{name}<any CNN of timm>" if name == TIMM else name for name in known)
        raise ValueError(f"There is no architecture {architecture}; there are {names}.")
    return known[key]


def create(
    architecture: str,
    *,
    frames: int,
    mels: int,
    classes: int,
    options: Mapping[str, Any],
    weights: Path | None,
    duration_s: float | None = None,
) -> Network:
    """Return a network, randomly initialised or with published weights.

    Args:
        architecture: Name of an architecture, or ``timm/<name>``.
        frames: Number of frames of the features.
        mels: Number of mel bins of the features.
        classes: Number of logits.
        options: Options of the architecture, as in params.yaml.
        weights: Folder ``data/weights/<name>``; without it, or without its ``model.safetensors``, the start is random.
        duration_s: Length of the clips in seconds, which the option ``pooling`` needs.

    Raises:
        UnreadableFileError: The file of weights is damaged.
        ValueError: The architecture or an option is unknown, or the windows or the weights do not fit.
    """
    entry = find(architecture)
    parsed: NetworkOptions = parse_options(entry.options, options, f"architecture {architecture}")
    file = weights / file_names.WEIGHTS if weights is not None else None
    state = read_tensors(file) if file is not None and file.exists() else None

    def build(frames: int) -> Network:
        spec = NetworkSpec(
            architecture=architecture, frames=frames, mels=mels, classes=classes, pretrained=state is not None
        )
        network = entry.build(parsed, spec)
        if state is not None:
            _load(network, state, source=str(weights))
        return network

    if parsed.pooling is None:
        return build(frames)
    windows = Windows.of_clip(parsed.pooling, frames=frames, duration_s=duration_s)
    return WindowPooling(build(windows.length), windows, attention=parsed.pooling.windows == "attention")


def _load(network: Network, state: dict[str, Tensor], source: str) -> None:
    """Load published weights; a missing name or a wrong number of dimensions is reported as weights that do not fit."""
    try:
        network.load_pretrained(state, source=source)
    except (KeyError, IndexError, TypeError, RuntimeError) as error:
        if "memory" in str(error):
            raise  # torch has no class of its own for the memory of a CPU
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise ValueError(f"The weights {source} do not fit {type(network).__name__}: {what}.") from error


def _collect(constant: str) -> dict[str, Any]:
    """Return the entries of a constant in all modules of this package that set it."""
    found: dict[str, Any] = {}
    for module in assigned(networks, constant):
        found |= getattr(import_module(f"{networks.__name__}.{module}"), constant)
    return found
