"""Plain training loop as in the published code, with the same networks and losses as Breathline.

It is eager and in single precision, computes attention as softmax(QKᵀ)V, and copies features from the host in each
step. The loader draws masks sample by sample on the CPU. Each step copies the state dict three times for a "moving
average" (before, after, average) and calls `.item()`.

Nothing is slower than in the published code: torch chooses the optimiser's kernels, and the loader's processes start
before the measurement.
"""

import copy
import time
from collections.abc import Callable

import numpy as np
import torch
from timm.layers import Attention
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from models.networks.base import Network
from models.training.augmentation_settings import SpecAugmentSettings
from models.training.objectives import Objective, Targets
from models.training.specaugment import SpecAugment
from tasks.runtime.hardware import usable_cores

WORKERS = 8  # processes of the loader, as published; at most one per core
WARM_UP = 3  # steps before the measurement, at most half of an epoch, in which the loader fills its queue
MOVING_AVERAGE = 0.5
RHO = 0.05


class Clips(Dataset[tuple[Tensor, int]]):
    """Clips in memory, masked one by one on access."""

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        self.features, self.labels = features, labels
        self.augment = SpecAugment(SpecAugmentSettings(policy="icbhi_ast_sup"))
        self.generator = torch.Generator().manual_seed(0)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        clip = torch.from_numpy(self.features[index].astype(np.float32))
        return self.augment(clip[None], self.generator)[0], int(self.labels[index])


def run(
    network: Network, objective: Objective, clips: Clips, *, sam: bool, batch: int, device: torch.device, epochs: int
) -> dict[str, float]:
    """Train; return clips per second and CPU seconds a clip (without the loader) of the last epoch, after a warm-up."""
    for layer in network.modules():
        if isinstance(layer, Attention):
            layer.fused_attn = False
    network.to(device).train()
    objective.to(device)
    parameters = [*network.parameters(), *objective.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=5e-5, weight_decay=1e-6)
    workers = min(WORKERS, usable_cores())
    loader = DataLoader(clips, batch, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=True)
    draws, losses, started, used = torch.Generator().manual_seed(0), [], 0.0, 0.0
    warm_up = min(WARM_UP, len(loader) // 2)
    for _ in range(epochs):
        for step, (features, labels) in enumerate(loader):
            if step == warm_up:
                started, used = time.perf_counter(), time.process_time()
            before = copy.deepcopy(network.state_dict())
            features = features.to(device)  # noqa: PLW2901
            targets = Targets(labels=labels.to(device), soft=None, mix=objective.draw(network, [batch], draws)[0])

            def backward(features: Tensor = features, targets: Targets = targets) -> Tensor:
                optimizer.zero_grad()
                loss: Tensor = objective(network, features, targets)
                loss.backward()
                return loss

            loss = sam_gradient(parameters, backward) if sam else backward()
            optimizer.step()
            losses.append(loss.item())
            after = copy.deepcopy(network.state_dict())
            average = copy.deepcopy(after)
            for name, tensor in average.items():
                if tensor.is_floating_point():
                    average[name] = MOVING_AVERAGE * before[name] + (1 - MOVING_AVERAGE) * after[name]
            network.load_state_dict(average)
    if device.type == "cuda":
        torch.cuda.synchronize()
    clips_measured = (len(loader) - warm_up) * batch
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - used
    return {"clips_per_s": clips_measured / seconds, "cpu_s": cpu_seconds / clips_measured}


def sam_gradient(parameters: list[nn.Parameter], backward: Callable[[], Tensor]) -> Tensor:
    """Compute the gradient of SAM's second pass, and return the loss there."""
    backward()
    norm = torch.stack([p.grad.norm() for p in parameters if p.grad is not None]).norm()
    moves = {}
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                moves[parameter] = parameter.grad * (RHO / (norm + 1e-12))
                parameter.add_(moves[parameter])
    loss = backward()
    with torch.no_grad():
        for parameter, move in moves.items():
            parameter.sub_(move)
    return loss
