"""Folders with a model in one format, complete in themselves, for use elsewhere."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from models.decision_rules import DecisionRule
from models.export import assembly
from models.file_names import SELECTION, WEIGHTS
from models.frontends.registry import sample_rates
from tasks.exporting import card as cards
from tasks.exporting import folder, hub_layout, int8, readme, torch_files
from tasks.prediction.facts import FORMAT, ModelFacts, identity
from tasks.runtime import files
from tasks.runtime.disk_errors import disk_errors
from tasks.training.torch_setup import as_breathline_error

Format = Literal["onnx", "torchscript", "hf", "safetensors"]
FILES: dict[Format, tuple[str, ...]] = {
    "onnx": (folder.ONNX, folder.USE),
    "torchscript": (torch_files.TORCHSCRIPT, torch_files.PROGRAM),
    "safetensors": (WEIGHTS,),
    "hf": (WEIGHTS, hub_layout.CONFIG, hub_layout.PREPROCESSOR, folder.ONNX, folder.USE),
}


def write(
    kind: Format,
    source: Path,
    out: Path,
    *,
    origin: Mapping[str, Any] | None = None,
    quantise: bool = False,
    on_cycle: int8.Advance = lambda done, total: None,
) -> dict[str, Any]:
    """Write the folder of a model in one format, and return its card.

    Args:
        kind: Format of the files.
        source: Folder of the model: an export of the project, or a student.
        out: Folder to write; it does not exist, or is empty.
        origin: Name of the model, and commit and record of its training, which the card of the folder states.
        quantise: Whether a version with weights of 8 bits is written and measured, too.
        on_cycle: Callback of that measurement, with the number of predicted cycles, and of all.

    Raises:
        BreathlineError: The model is damaged, or a file and PyTorch differ.
    """
    with as_breathline_error(where=source, hint="`breathline registry list` shows the models"):
        network, card = assembly.load(source)
        tensors = assembly.read_state(source)
    card = _complete(source, card) | ({} if origin is None else {"origin": dict(origin)})
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    writers: dict[str, Callable[[Path], object]] = {
        WEIGHTS: lambda path: folder.write_weights(path, tensors, card),
        folder.ONNX: lambda path: folder.write_onnx(path, network, card),
        torch_files.TORCHSCRIPT: lambda path: torch_files.write_torchscript(path, network),
        torch_files.PROGRAM: lambda path: torch_files.write_program(path, network),
        hub_layout.CONFIG: lambda path: files.write_json(path, hub_layout.config(card)),
        hub_layout.PREPROCESSOR: lambda path: files.write_json(path, hub_layout.preprocessor(card)),
        folder.USE: folder.write_example,
    }
    if reduced := card.pop("int8", None):  # of a source with weights of 8 bits, whose full network is copied
        card["id"] = reduced.get("full_id", card.get("id"))
    for name in FILES[kind]:
        full = source / int8.FULL
        copied = full if name == folder.ONNX and full.is_file() else source / name
        if copied.is_file():
            shutil.copyfile(copied, out / name)
        else:
            writers[name](out / name)
    if quantise:
        card["int8"] = int8.write(out, card, on_cycle)
        card["id"] = card["int8"]["id"]
    cards.write(out, card)
    readme.write(out, card)
    return card


def _complete(source: Path, card: dict[str, Any]) -> dict[str, Any]:
    """Return the card of an export; that of a student gets what its folder tells."""
    if "format" in card:
        return card
    rule = DecisionRule.from_card(card, SELECTION)
    known = ModelFacts.read(source).card  # with corpora and scores, if the project has an export of these weights
    return cards.with_banner(
        {**card, **known}
        | {
            "format": FORMAT,
            "selection": SELECTION,
            "sample_rate": sample_rates()[card["frontend"]],
            "id": identity(source),
            "temperature": rule.temperature,
            "decision": rule.card(),
        }
    )
