"""Assembly of waveform networks from cards and tensors, and their preparation for export."""

import copy
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models import artifact
from models.decision_rules import DecisionRule
from models.export.energies import MatrixEnergies
from models.export.waveform_network import NOVELTY, WaveformNetwork, novelty_of
from models.file_names import CARD, WEIGHTS
from models.file_reading import read_json, read_tensors
from models.frontends import registry as front_ends
from models.frontends.mel import MelEnergies
from models.frontends.settings import FrontEndSettings
from models.heads import Heads
from models.training.normalization import Normalization

SELECTION = "val"  # selection of the epoch that is exported
GRADIENT_DECAY = "layer_wise_gradient_decay_ratio"  # attribute of BEATs' encoder


def read_state(folder: Path, selection: str = SELECTION) -> dict[str, Tensor]:
    """Return the tensors of a student's folder, or of an export's folder with those of its novelty distance.

    Raises:
        UnreadableFileError: The file of the tensors is missing or damaged.
    """
    exported = folder / WEIGHTS
    return read_tensors(exported if exported.exists() else folder / f"{selection}.safetensors")


def load(folder: Path, selection: str = SELECTION) -> tuple[WaveformNetwork, dict[str, Any]]:
    """Return the waveform network of a student's or an export's folder, and the content of its ``model.json``.

    Raises:
        UnreadableFileError: A file is missing or damaged.
        ValueError: The tensors are not those of the network.
    """
    card = read_json(folder / CARD, artifact.CARD_KEYS | {"duration_s": float})
    return assemble(card, read_state(folder, selection), selection), card


def assemble(card: Mapping[str, Any], state: Mapping[str, Tensor], selection: str = SELECTION) -> WaveformNetwork:
    """Return the waveform network of a card and its tensors, in evaluation mode.

    Args:
        card: Content of ``model.json``.
        state: Tensors of the network by name, and those of `NOVELTY` if a novelty distance was fitted.
        selection: Selection of the epoch, whose decision rule applies.

    Raises:
        ValueError: The tensors are not those of the network.
    """
    network = artifact.build(card)
    try:
        network.load_state_dict({name: tensor for name, tensor in state.items() if name not in NOVELTY})
    except RuntimeError as error:
        raise ValueError(f"The tensors are not those of the network {card['architecture']} of the card.") from error
    clips = {field.name: card[field.name] for field in fields(FrontEndSettings) if field.name in card}
    return WaveformNetwork(
        front_ends.create(card["frontend"], **clips),
        network,
        classes=len(card["classes"]),
        heads=Heads.from_card(card),
        rule=DecisionRule.from_card(card, selection),
        normalized=Normalization.from_card(card) is not None,
        novelty=novelty_of(state),
    ).eval()


def exportable(network: WaveformNetwork) -> WaveformNetwork:
    """Return a copy of a waveform network that uses only operations which other runtimes have.

    Its outputs are equal up to rounding. Fourier transforms become matrix products. Decay of gradients, which changes
    no output, is left out.
    """
    found = copy.deepcopy(network).eval().to(memory_format=torch.contiguous_format)
    for module in list(found.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, MelEnergies):
                setattr(module, name, MatrixEnergies(child))
        if hasattr(module, GRADIENT_DECAY):
            setattr(module, GRADIENT_DECAY, 1.0)
    return found.requires_grad_(False)
