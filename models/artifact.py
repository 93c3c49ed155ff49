"""Trained networks on disk: safetensors files, and ``model.json`` with everything needed to build the network."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.file_names import CARD
from models.file_reading import UnreadableFileError, read_json, read_tensors
from models.heads import Heads
from models.networks.base import Network
from models.networks.registry import create

# Keys of ``model.json`` that a prediction needs, and the type of each.
CARD_KEYS = {
    "architecture": str,
    "options": dict,
    "frontend": str,
    "frames": int,
    "mels": int,
    "labels": str,
    "classes": list,
}


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
        temporary.chmod(0o644)  # safetensors writes files that only their owner can read
        os.replace(temporary, directory / f"{selection}.safetensors")
    text = json.dumps(card, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    temporary = directory / f".{CARD}"
    temporary.write_text(text + "\n", encoding="utf-8")
    os.replace(temporary, directory / CARD)


def build(card: Mapping[str, Any]) -> Network:
    """Return the network that a ``model.json`` describes, with random weights.

    Args:
        card: Content of ``model.json``.
    """
    heads = Heads.from_card(card)
    return create(
        card["architecture"],
        frames=card["frames"],
        mels=card["mels"],
        classes=len(card["classes"]) if heads is None else heads.outputs,
        options=card["options"],
        weights=None,
        duration_s=card.get("duration_s"),
    )


def load(directory: Path, selection: str) -> tuple[Network, dict[str, Any]]:
    """Return a trained network in evaluation mode, and the content of its ``model.json``.

    Args:
        directory: Folder of the model.
        selection: Selection of the epoch, `val` or `paper`.

    Raises:
        UnreadableFileError: A file of the model is missing or damaged, or its tensors do not fit the network.
        ValueError: The folder holds no model of this selection; the error lists the selections.
    """
    card = read_json(directory / CARD, CARD_KEYS)
    file = directory / f"{selection}.safetensors"
    known = ", ".join(sorted(path.stem for path in directory.glob("*.safetensors")))
    if not file.exists() and known and selection not in card.get("selections", ()):
        raise ValueError(f"{directory} holds no model of the selection {selection}; it holds {known}.")
    network = build(card)
    state = read_tensors(file)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise UnreadableFileError(file, f"its tensors are not those of the network {card['architecture']}") from error
    if network.channels_last:
        network.to(memory_format=torch.channels_last)
    return network.eval(), card
