"""How fast a training runs: in clips, in floating-point operations, and in shares of what the device could do."""

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
from models.training.objectives import Objective, Targets
from models.training.selection import TrainingData

SAMPLE = 2  # cycles whose operations are counted: BatchNorm wants more than one

# Dense peaks in TFLOP/s by what the driver calls the device: bf16, TF32, fp32. From NVIDIA's data sheets of
# each, whose figures with sparsity are halved. Longer names go first.
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
    """The speed of an epoch's steps.

    Attributes:
        clips_per_s: Cycles a second; two passes of SAM count once.
        step_ms: Milliseconds of a step, all included.
        flops_per_s: Floating-point operations a second of forward and backward passes; those of SAM count both.
        utilisation: Their share of the peak of all devices together, where that is known.
    """

    clips_per_s: float
    step_ms: float
    flops_per_s: float
    utilisation: float | None


@dataclass(frozen=True)
class Work:
    """What one cycle takes on its way forward and backward through network and objective.

    Attributes:
        flops: Floating-point operations.
        unused: Whether there are parameters that it leaves without a gradient.
    """

    flops: float
    unused: bool


class Meter:
    """Relates the time of steps to the work in them.

    Args:
        work: Of a cycle.
        context: What makes the context of a forward pass.
        device: Where all is.
        devices: How many of them train.
    """

    def __init__(
        self,
        work: Work,
        *,
        context: Callable[[], AbstractContextManager[None]],
        device: torch.device,
        devices: int,
    ) -> None:
        self._flops = work.flops
        alone = _device_peak(device, context)
        self._peak = None if alone is None else alone * devices

    def read(self, *, clips: int, steps: int, passes: int, seconds: float) -> Throughput:
        """Return the speed of so many steps.

        Args:
            clips: Cycles of all their batches.
            steps: How many there were.
            passes: Cycles that went forward and backward, in all processes.
            seconds: How long it took.
        """
        rate = passes * self._flops / seconds
        return Throughput(
            clips_per_s=clips / seconds,
            step_ms=1000 * seconds / steps,
            flops_per_s=rate,
            utilisation=None if self._peak is None else rate / self._peak,
        )


def count(network: Network, objective: Objective, data: TrainingData, device: torch.device) -> Work:
    """Return what one cycle takes.

    Operations are counted on copies, of matrix products and convolutions, which are nearly all. What a compiler or a
    fused kernel spares or repeats does not count: it is the model's work that is related to time.

    Args:
        network: On its device, not compiled.
        objective: What it is trained for.
        data: What it is trained on.
        device: Where all is.
    """
    network, objective = copy.deepcopy(network).train(), copy.deepcopy(objective)
    random = torch.Generator().manual_seed(0)
    features = torch.randn((SAMPLE, data.features.frames, data.features.mels), generator=random).to(device)
    soft = torch.full((SAMPLE, data.classes), 1 / data.classes, device=device)
    targets = Targets(
        labels=torch.arange(SAMPLE, device=device) % data.classes,
        soft=None if data.train.soft is None else soft,
        mix=objective.draw(network, [SAMPLE], random)[0],
    )
    # Of the kernels for attention the counter does not know all; as plain matrix products it sees every one.
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.convolution_backward: _backward})
    with counter, sdpa_kernel(SDPBackend.MATH):
        loss: Tensor = objective(network, features, targets)
        loss.backward()  # type: ignore[no-untyped-call]
    trained = (p for module in (network, objective) for p in module.parameters() if p.requires_grad)
    unused = any(parameter.grad is None for parameter in trained)
    return Work(flops=float(counter.get_total_flops()) / SAMPLE, unused=unused)


def _backward(gradient: Sequence[int], features: Sequence[int], weight: Sequence[int], *args: Any, **_: Any) -> int:
    """Return the operations of a convolution's way back: those of its way forward for each gradient that is wanted.

    torch's own count takes the convolutions of groups, such as depthwise ones, for many times what they are.
    """
    transposed, wanted = args[4], args[7]
    outputs = features if transposed else gradient
    return int(2 * math.prod(outputs) * math.prod(weight[1:]) * sum(wanted[:2]))


def peak(name: str, *, bf16: bool, tf32: bool) -> float | None:
    """Return the most floating-point operations a second of a device by its name, or none where that is not known."""
    words = set(name.replace("-", " ").split())
    for known, (in_bf16, in_tf32, in_fp32) in PEAKS.items():
        if words.issuperset(known.split()):
            return 1e12 * (in_bf16 if bf16 else in_tf32 if tf32 else in_fp32)
    return None


def _device_peak(device: torch.device, context: Callable[[], AbstractContextManager[None]]) -> float | None:
    """Return the peak of a device at the precision that a training uses on it."""
    if device.type != "cuda":
        return None
    with context():
        bf16 = torch.is_autocast_enabled("cuda")
    return peak(torch.cuda.get_device_name(device), bf16=bf16, tf32=torch.backends.cuda.matmul.allow_tf32)
