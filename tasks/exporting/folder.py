"""Files of an export's folder that are made of a student's weights and card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from models.export import assembly
from models.export.waveform_network import NOVELTY, WaveformNetwork
from models.file_names import WEIGHTS
from models.frontends.registry import sample_rates
from tasks.exporting import hub_layout, onnx_file, readme
from tasks.runtime import files, templates
from tasks.training.torch_setup import as_breathline_error

ONNX, USE = "model.onnx", "use.py"
HINT = "train it again, or name another model"
Novelty = Mapping[str, npt.NDArray[Any] | Tensor]


def write(
    folder: Path,
    student_folder: Path,
    card: Mapping[str, Any],
    state: Mapping[str, Tensor],
    novelty: Novelty | None,
    *,
    onnx: bool = True,
) -> None:
    """Write the weights, the ONNX file, the configuration for the Hugging Face Hub, the example of use and the README.

    The ONNX file is compared with PyTorch on generated cycles.

    Args:
        folder: Folder of the export.
        student_folder: Folder of the student, for error messages.
        card: Content of the export's ``model.json``.
        state: Tensors of the network, of the selection `val`.
        novelty: `mean` (features,) and `components` (features, features) of the distance (`tasks.exporting.novelty`).
        onnx: Whether the ONNX file is written.

    Raises:
        BreathlineError: The tensors do not fit the card, or onnxruntime and PyTorch differ.
    """
    tensors = with_novelty(state, novelty)
    folder.mkdir(parents=True, exist_ok=True)
    card = {"sample_rate": sample_rates()[card["frontend"]], **card}
    write_weights(folder / WEIGHTS, tensors, card)
    files.write_json(folder / hub_layout.CONFIG, hub_layout.config(card))
    files.write_json(folder / hub_layout.PREPROCESSOR, hub_layout.preprocessor(card))
    write_example(folder / USE)
    if onnx:
        with as_breathline_error(where=student_folder, hint=HINT):
            network = assembly.assemble(card, tensors)
        write_onnx(folder / ONNX, network, card)
    readme.write(folder, card)


def write_example(path: Path) -> None:
    """Write the example of use, which needs numpy, soundfile and onnxruntime only."""
    files.write_text(path, templates.render(__package__, "use.py.j2") + "\n")


def write_onnx(path: Path, network: WaveformNetwork, card: Mapping[str, Any]) -> None:
    """Write an ONNX file that states its sample rate, classes and banner, and compare it with PyTorch.

    Args:
        path: Path of the file.
        network: Waveform network of the model.
        card: Content of the export's ``model.json``.
    """
    metadata = {"sample_rate": str(network.front_end.sample_rate), "classes": "|".join(card["classes"])}
    metadata |= {key: card[key] for key in ("id", "banner") if card.get(key)}
    onnx_file.write(path, network, metadata)
    onnx_file.check(path, network)


def with_novelty(state: Mapping[str, Tensor], novelty: Novelty | None) -> dict[str, Tensor]:
    """Return the tensors of an export: those of the network, and of the novelty distance, if fitted."""
    found = dict(state)
    if novelty is not None:
        found |= {name: torch.as_tensor(novelty[name.rpartition(".")[2]], dtype=torch.float32) for name in NOVELTY}
    return found


def write_weights(path: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write tensors as a safetensors file that states the model's banner; equal tensors give equal bytes.

    Args:
        path: Path of the file.
        tensors: Tensors by name.
        card: Content of the export's ``model.json``.
    """
    from safetensors.torch import save

    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    metadata = {"format": "pt"}  # transformers refuses files without the format
    if card.get("banner"):
        metadata["banner"] = card["banner"]
    content = _sorted_metadata(save(ready, metadata))
    with files.replacing(path) as temporary:
        temporary.write_bytes(content)


def _sorted_metadata(content: bytes) -> bytes:
    """Return a safetensors file whose metadata are sorted; the library writes them in random order."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    size = -(-len(text) // 8) * 8  # tensors begin at a multiple of eight bytes
    return size.to_bytes(8, "little") + text.ljust(size) + content[end:]
