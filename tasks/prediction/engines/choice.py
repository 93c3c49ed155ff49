"""Choice of the engine that runs a model."""

from pathlib import Path
from typing import Literal

from tasks.prediction.engines.base import Engine
from tasks.prediction.engines.onnx import FILE, OnnxEngine
from tasks.prediction.facts import ModelFacts
from tasks.runtime.errors import BreathlineError

Choice = Literal["auto", "onnx", "torch"]


def open_engine(folder: Path, facts: ModelFacts, choice: Choice = "auto") -> Engine:
    """Return an engine with the model of a folder.

    Args:
        folder: Folder of an export or a student.
        facts: Facts of the model.
        choice: Engine; `auto` takes onnxruntime where the folder has ``model.onnx``, and else PyTorch.

    Raises:
        BreathlineError: The engine or a file of the model is missing or damaged.
    """
    has_graph = (folder / FILE).is_file()
    if choice == "onnx" and not has_graph:
        raise BreathlineError(
            f"The folder has no {FILE}, which onnxruntime needs.",
            where=folder,
            hint="name an export (`breathline export onnx` makes one), or use `--engine torch`",
        )
    if choice == "onnx" or (choice == "auto" and has_graph):
        return OnnxEngine(folder, facts)
    from tasks.prediction.engines.pytorch import TorchEngine  # torch takes seconds to import

    return TorchEngine(folder, facts)
