"""Training throughput: clips and floating-point operations per second, and utilisation of the device."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from models.networks.base import Network
from models.training.memory import is_out_of_memory
from models.training.objectives import Objective, Targets
from models.training.selection import TrainingData

CYCLES = 2  # cycles whose operations are counted; BatchNorm needs more than one

# Dense peak performance in TFLOP/s by the driver's name of the device: bf16, TF32, fp32. Source: NVIDIA's data sheets,
# whose figures with sparsity are halved. Longer names come first.
PEAKS = {
    "H200 NVL": (835.5, 417.5, 60.0),
    "H200": (989.4, 494.7, 66.9),
    "H100 PCIe": (756.5, 378.0, 51.0),
    "H100 NVL": (835.5, 417.5, 60.0),
    "H100": (989.4, 494.7, 66.9),
    "A100": (312.0, 156.0, 19.5),
    "L40S": (362.0, 183.0, 91.6),
    "L4": (121.0, 60.0, 30.3),
    "A10": (125.0, 62.5, 31.2),
}


@dataclass(frozen=True)
class Throughput:
    """Throughput of the steps of an epoch."""

    clips_per_s: float  # cycles per second; the two passes of SAM count once
    step_ms: float  # duration of a step in milliseconds
    flops_per_s: float  # floating-point operations per second of all forward and backward passes
    utilisation: float | None  # fraction of the peak of all devices together; none if the peak is unknown

    @classmethod
    def of_steps(cls, *, clips: int, steps: int, operations: float, seconds: float, peak: float | None) -> Throughput:
        """Return the throughput of some steps.

        Args:
            clips: Number of cycles in all batches.
            steps: Number of steps.
            operations: Number of floating-point operations of all passes.
            seconds: Duration in seconds.
            peak: Peak operations per second of all devices together, if known.
        """
        rate = operations / seconds
        utilisation = None if peak is None else rate / peak
        return cls(clips / seconds, 1000 * seconds / steps, rate, utilisation)


@dataclass(frozen=True)
class CycleCost:
    """Cost of one cycle's forward and backward pass through network and objective."""

    flops: float  # number of floating-point operations; NaN if it could not be measured for lack of memory
    unused_parameters: bool  # whether some parameters get no gradient


def measure_cost(network: Network, objective: Objective, data: TrainingData, device: torch.device) -> CycleCost:
    """Measure the cost of one cycle.

    Copies of the modules are run, and the operations of matrix products and convolutions are counted, which are nearly
    all. Operations that a compiler or a fused kernel saves or repeats do not count: utilisation refers to the model.

    Args:
        network: Network on its device, not compiled.
        objective: Objective that computes the loss.
        data: Training data, of which only the sizes are used.
        device: Device of the training.
    """
    network, objective = copy.deepcopy(network).train(), copy.deepcopy(objective)
    random = torch.Generator().manual_seed(0)
    features = torch.randn((CYCLES, data.features.frames, data.features.mels), generator=random).to(device)
    soft = torch.full((CYCLES, data.classes), 1 / data.classes, device=device)
    targets = Targets(
        labels=torch.arange(CYCLES, device=device) % data.classes,
        soft=None if data.train.soft is None else soft,
        mix=objective.draw(network, [CYCLES], random)[0],
    )
    # The counter lacks some attention kernels; as plain matrix products all operations are counted.
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.convolution_backward: _backward})
    try:
        with counter, sdpa_kernel(SDPBackend.MATH):
            loss: Tensor = objective(network, features, targets)
            loss.backward()  # type: ignore[no-untyped-call]
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return CycleCost(flops=math.nan, unused_parameters=True)  # a step may still fit, one cycle after the other
    trained = (p for module in (network, objective) for p in module.parameters() if p.requires_grad)
    unused = any(parameter.grad is None for parameter in trained)
    return CycleCost(flops=float(counter.get_total_flops()) / CYCLES, unused_parameters=unused)


def _backward(gradient: Sequence[int], features: Sequence[int], weight: Sequence[int], *args: Any, **_: Any) -> int:
    """Count a convolution's backward operations: those of its forward pass for each required gradient.

    torch's own count is many times too large for grouped convolutions, such as depthwise ones.
    """
    transposed, wanted = args[4], args[7]
    outputs = features if transposed else gradient
    return int(2 * math.prod(outputs) * math.prod(weight[1:]) * sum(wanted[:2]))


def peak(name: str, *, bf16: bool, tf32: bool) -> float | None:
    """Return the peak floating-point operations per second of a device by its name; none if unknown.

    Args:
        name: Name of the device, as torch gives it.
        bf16: Whether the forward pass is in bf16.
        tf32: Whether matrix products in fp32 are rounded to TF32.
    """
    words = set(name.replace("-", " ").split())
    for known, (in_bf16, in_tf32, in_fp32) in PEAKS.items():
        if words.issuperset(known.split()):
            return 1e12 * (in_bf16 if bf16 else in_tf32 if tf32 else in_fp32)
    return None


def device_peak(device: torch.device, context: Callable[[], AbstractContextManager[None]]) -> float | None:
    """Return the peak of a device at the precision of a training; none if unknown.

    Args:
        device: Device of the training.
        context: Factory of the context of a forward pass (`inference.autocast`).
    """
    if device.type != "cuda":
        return None
    with context():
        bf16 = torch.is_autocast_enabled("cuda")
    return peak(torch.cuda.get_device_name(device), bf16=bf16, tf32=torch.backends.cuda.matmul.allow_tf32)
