"""Engine of PyTorch: the reference, for the folders of students and for exports."""

from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch

from models.export import assembly
from models.training.inference import pick_device
from models.training.settings import ComputeSettings
from tasks.prediction.engines.base import Engine
from tasks.prediction.facts import ModelFacts
from tasks.runtime.hardware import usable_cores
from tasks.training.torch_setup import as_breathline_error, set_up


class TorchEngine(Engine):
    """Network that PyTorch runs in float32, on a GPU if there is one."""

    name = "torch"

    def __init__(self, folder: Path, facts: ModelFacts) -> None:
        """Load the weights of a student or an export.

        Raises:
            BreathlineError: A file is missing or damaged.
        """
        super().__init__(folder, facts)
        compute = ComputeSettings(device="auto", precision="fp32", threads=usable_cores())
        set_up(compute)
        with as_breathline_error(where=folder, hint="`breathline registry list` shows the models"):
            network, _ = assembly.load(folder)
        self.device = pick_device(compute)
        self.network = network.to(self.device)

    @torch.inference_mode()
    def _run(self, given: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        inputs = [torch.from_numpy(given[name]).to(self.device) for name in self.network.input_names]
        outputs = self.network(*inputs)
        return {name: one.cpu().numpy() for name, one in zip(self.network.output_names, outputs, strict=True)}
