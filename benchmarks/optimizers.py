"""Benchmark of the steps of SAM and its variants against AdamW: ``python -m benchmarks.optimizers``.

Prints a Markdown table for an mn04 and an AST-tiny: milliseconds of a training step, and of the optimiser's own work,
which is everything but the forward and backward passes. The optimisers alternate, so that other load on the machine
affects all of them. A turn is one interval of LookSAM. With a GPU the benchmark runs there, in bf16.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from models.networks.base import Network
from models.networks.registry import create as create_network
from models.training.optimizers import create
from models.training.settings import OptimizerSettings

NAMES = ("adamw", "sam", "look_sam", "momentum_sam")
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "mn04": ("mn", {"width": 0.4}),
    "AST-tiny": ("ast", {"size": "tiny"}),
}
MELS, CLASSES, INTERVAL = 128, 4, 5


class Trainee:
    """Network of its own for each optimiser, trained on fixed random features."""

    def __init__(self, architecture: str, options: dict[str, Any], name: str, features: Tensor) -> None:
        torch.manual_seed(0)
        self.network: Network = create_network(
            architecture, frames=features.shape[1], mels=MELS, classes=CLASSES, options=options, weights=None
        ).to(features.device)
        if self.network.channels_last:
            self.network.to(memory_format=torch.channels_last)
        settings = OptimizerSettings(name=name, lr=1e-4, weight_decay=1e-4, interval=INTERVAL)  # type: ignore[arg-type]
        self.optimizer = create(settings, self.network, nn.Module())
        self.features = features
        self.labels = torch.arange(len(features), device=features.device) % CLASSES
        self.passes = 0.0  # seconds of the turn's forward and backward passes

    def turn(self) -> tuple[float, float]:
        """Run a turn; return the mean seconds of a step, and of its part outside of the passes."""
        self.passes, begun = 0.0, self.now()
        for _ in range(INTERVAL):
            self.optimizer.step(self.closure)  # type: ignore[arg-type]
        whole = self.now() - begun
        return whole / INTERVAL, (whole - self.passes) / INTERVAL

    def closure(self) -> Tensor:
        """Compute the loss and its gradients, and return the loss."""
        begun, device = self.now(), self.features.device.type
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            loss = nn.functional.cross_entropy(self.network(self.features).float(), self.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.passes += self.now() - begun
        return loss.detach()

    def now(self) -> float:
        """Return the time in seconds after all queued work of the device."""
        if self.features.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()


def rows(network: str, features: Tensor, rounds: int, report: Callable[[str], None]) -> None:
    """Measure the optimisers on a network and report a line of the table for each."""
    trainees = {name: Trainee(*NETWORKS[network], name, features) for name in NAMES}
    turns: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    for trainee in trainees.values():
        trainee.turn()
    for _ in range(rounds):
        for name, trainee in trainees.items():
            turns[name].append(trainee.turn())
    usual = statistics.median(step for step, _ in turns["adamw"])
    for name in NAMES:
        step, own = (statistics.median(figures) for figures in zip(*turns[name], strict=True))
        times = statistics.median(a / b for (a, _), (b, _) in zip(turns[name], turns["adamw"], strict=True))
        report(f"| {network} | `{name}` | {1e3 * step:.1f} | {times:.2f} | {1e3 * own:.2f} | {100 * own / usual:.1f} |")


def main() -> None:
    """Print the table of measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--frames", type=int, default=250, help="frames of the features, 100 per second")
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    place = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, 1 thread of {os.cpu_count()} cores"
    print(f"{place}; batch {options.batch}, {options.frames} frames, medians of {options.rounds} turns;", end=" ")
    print(f"`look_sam` with a full step in {INTERVAL}\n")
    print("| network | optimiser | ms a step | times `adamw` | own work, ms | own work, % of an `adamw` step |")
    print("|---|---|---|---|---|---|")
    features = torch.randn((options.batch, options.frames, MELS), device=device)
    for network in NETWORKS:
        rows(network, features, options.rounds, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
