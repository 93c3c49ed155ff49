"""Benchmark of the steps of SAM and its variants against AdamW: ``python -m benchmarks.optimizers``.

Prints a Markdown table for an mn04 and an AST-tiny: milliseconds of a training step, and of the optimiser's own work.
Its own work is the step without the forward and backward passes. The optimisers alternate, so that other load on the
machine affects all of them. In a round, each optimiser takes the steps of one interval of LookSAM. The benchmark runs
on a GPU if there is one, in bf16.
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


class OptimizerTrial:
    """Training of one network by one optimiser on fixed random features ``(batch, frames, mels)``."""

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
        self.passes_s = 0.0  # duration of the round's forward and backward passes in seconds

    def run_round(self) -> tuple[float, float]:
        """Take the steps of a round; return the mean seconds of a step, and those outside of the passes."""
        self.passes_s, begun = 0.0, self.synchronized_time()
        for _ in range(INTERVAL):
            self.optimizer.step(self.closure)  # type: ignore[arg-type]
        total_s = self.synchronized_time() - begun
        return total_s / INTERVAL, (total_s - self.passes_s) / INTERVAL

    def closure(self) -> Tensor:
        """Compute the loss and its gradients, and return the loss."""
        begun, device = self.synchronized_time(), self.features.device.type
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            loss = nn.functional.cross_entropy(self.network(self.features).float(), self.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.passes_s += self.synchronized_time() - begun
        return loss.detach()

    def synchronized_time(self) -> float:
        """Wait for all queued work of the device, and return the time in seconds."""
        if self.features.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()


def measure(network: str, features: Tensor, rounds: int, report: Callable[[str], None]) -> None:
    """Measure the optimisers on a network and report a line of the table for each."""
    trials = {name: OptimizerTrial(*NETWORKS[network], name, features) for name in NAMES}
    durations: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    for trial in trials.values():
        trial.run_round()
    for _ in range(rounds):
        for name, trial in trials.items():
            durations[name].append(trial.run_round())
    adamw_step = statistics.median(step for step, _ in durations["adamw"])
    for name in NAMES:
        step, own = (statistics.median(seconds) for seconds in zip(*durations[name], strict=True))
        ratio = statistics.median(a / b for (a, _), (b, _) in zip(durations[name], durations["adamw"], strict=True))
        percent = 100 * own / adamw_step
        report(f"| {network} | `{name}` | {1e3 * step:.1f} | {ratio:.2f} | {1e3 * own:.2f} | {percent:.1f} |")


def main() -> None:
    """Print the table of measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimizers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds")
    parser.add_argument("--batch", type=int, default=8, help="number of clips in a batch")
    parser.add_argument("--frames", type=int, default=250, help="frames of the features, 100 per second")
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device_name = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, 1 thread of {os.cpu_count()} cores"
    print(f"{device_name}; batch {options.batch}, {options.frames} frames,", end=" ")
    print(f"medians of {options.rounds} rounds;", end=" ")
    print(f"`look_sam` with one full step in {INTERVAL} steps\n")
    print("| network | optimiser | ms a step | times `adamw` | own work, ms | own work, % of an `adamw` step |")
    print("|---|---|---|---|---|---|")
    features = torch.randn((options.batch, options.frames, MELS), device=device)
    for network in NETWORKS:
        measure(network, features, options.rounds, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
