"""Trained networks on disk: safetensors files, and ``model.json`` with everything needed to build the network."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.file_names import CARD
from models.networks.base import Network
from models.networks.registry import create


def save(directory: Path, states: Mapping[str, Mapping[str, Tensor]], card: Mapping[str, Any]) -> None:
    """Write ``<selection>.safetensors`` for each state, then ``model.json``; equal tensors give equal bytes.

    Files are written atomically. Files of an earlier model are removed.

    Args:
        directory: Folder of the model; created if missing.
        states: State dict of the network for each selection.
        card: Content of ``model.json``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for path in (directory / CARD, *directory.glob("*.safetensors")):
        path.unlink(missing_ok=True)
    for selection, state in states.items():
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(state.items())}
        temporary = directory / f".{selection}.safetensors"
        save_file(tensors, temporary)
        os.replace(temporary, directory / f"{selection}.safetensors")
    text = json.dumps(card, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    temporary = directory / f".{CARD}"
    temporary.write_text(text + "\n", encoding="utf-8")
    os.replace(temporary, directory / CARD)


def load(directory: Path, selection: str) -> tuple[Network, dict[str, Any]]:
    """Return a trained network in evaluation mode, and the content of its ``model.json``.

    Args:
        directory: Folder of the model.
        selection: Selection of the epoch, `val` or `paper`.

    Raises:
        ValueError: The folder holds no model, or not this selection; the error lists the selections.
    """
    if not (directory / CARD).exists():
        raise ValueError(f"There is no trained model in {directory}.")
    card: dict[str, Any] = json.loads((directory / CARD).read_text(encoding="utf-8"))
    file = directory / f"{selection}.safetensors"
    if not file.exists():
        known = ", ".join(sorted(path.stem for path in directory.glob("*.safetensors")))
        raise ValueError(f"{directory} holds no model of the selection {selection}; it holds {known}.")
    network = create(
        card["architecture"],
        frames=card["frames"],
        mels=card["mels"],
        classes=len(card["classes"]),
        options=card["options"],
        weights=None,
    )
    network.load_state_dict(load_file(file))
    if network.channels_last:
        network.to(memory_format=torch.channels_last)
    return network.eval(), card
