"""Parts of `benchmarks.gpu`: checks and measurements of training on a GPU, each for a process of its own."""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import one_training, training
from benchmarks.one_training import CLASSES, FRAMES, MELS, write_cache
from models.frontends.registry import create as create_frontend
from models.frontends.registry import sample_rates
from models.networks.registry import create
from models.training.features import Features
from models.training.loop import Epoch, first_losses, fit
from models.training.registry import create as create_objective
from models.training.selection import LabelledCycles, TrainingData
from models.training.settings import ComputeSettings, TrainingSettings
from tasks.training.torch_setup import set_up

BATCH, STEPS = 8, 6  # of the trainings that are compared
PRECISION_TOLERANCE = 0.02  # of a loss: bf16 has 8 significant bits
DEVICE_TOLERANCE = 1e-3  # of a loss in fp32, between a GPU and a CPU
FEATURE_TOLERANCE = 2e-3  # of a feature of the front ends, whose scale is about 1; of decibels it is ten times as much
FRONTEND_CLIPS, FRONTEND_S = 64, 8.0  # number and length in seconds of the clips of the front ends
MEMORY = 0.9  # fraction of a GPU's memory for the largest batch
# Networks and methods of the table of speeds, the most important ones first.
SPEED = [("ast-base", "ce"), ("ast-base", "patchmix_cl"), ("ast-base", "sam"), ("mn04", "ce"), ("cnn6", "ce")]


class InterruptedTraining(Exception):  # noqa: N818
    """Interruption of a training by a check."""


class CheckError(AssertionError):
    """A check of training on the device failed."""


@dataclass(frozen=True)
class Trial:
    """A short training on random features."""

    network: str  # name among `one_training.NETWORKS`
    method: str  # name among `training.METHODS`
    device: str
    precision: str = "auto"

    def compute(self) -> ComputeSettings:
        """Return the settings of the device, with equal bytes for equal inputs."""
        return ComputeSettings(device=self.device, precision=self.precision, threads=1)  # type: ignore[arg-type]

    def arguments(self, folder: Path, *, small: bool) -> tuple[Any, Any, TrainingSettings, TrainingData]:
        """Return network, objective, settings and data, equal for equal trials."""
        frames = 160 if small else FRAMES
        torch.manual_seed(0)
        architecture, options = one_training.NETWORKS[self.network]
        network = create(architecture, frames=frames, mels=MELS, classes=CLASSES, options=options, weights=None)
        data = random_data(folder, BATCH * STEPS, frames)
        settings = one_training.training_settings(self.method, BATCH, network.num_features)
        return network, create_objective(settings.objective, data.train.labels, CLASSES, network), settings, data

    def digest(self, folder: Path, *, small: bool, stop: int | None = None) -> str:
        """Train, and return a hash of the trained weights.

        Args:
            folder: Folder of the feature cache and the checkpoints.
            small: Whether clips are short.
            stop: Number of cycles in the second epoch after which the training is interrupted and resumed; None: never.
        """
        set_up(self.compute())

        def interrupt(epoch: int, phase: str, done: int, total: int) -> None:
            if (epoch, phase, done) == (2, "train", stop):
                raise InterruptedTraining

        if stop is not None:
            with suppress(InterruptedTraining):
                self._fit(folder, small=small, save_every=0.0, on_batch=interrupt)
        hashed = hashlib.sha256()
        for tensor in self._fit(folder, small=small).states["val"].values():
            hashed.update(tensor.cpu().contiguous().numpy().tobytes())
        return hashed.hexdigest()[:16]

    def _fit(self, folder: Path, *, small: bool, **given: Any) -> Any:
        arguments = self.arguments(folder, small=small)
        return fit(*arguments, seed=0, compute=self.compute(), checkpoint=folder / "checkpoint", **given)


def random_data(folder: Path, cycles: int, frames: int) -> TrainingData:
    """Return random features of some cycles in a feature cache, with random labels."""
    random = np.random.default_rng(0)
    features = random.standard_normal((cycles, frames, MELS), dtype=np.float32).astype(np.float16)
    labels = random.integers(0, CLASSES, cycles)
    labels[:CLASSES] = range(CLASSES)
    if not (folder / "ast").exists():
        write_cache(folder / "ast", features)
    return labelled(folder / "ast", labels)


def labelled(cache: Path, labels: np.ndarray) -> TrainingData:
    """Return the cycles of a cache for training; the first ones choose the epoch."""
    rows = np.arange(len(labels))
    chosen = LabelledCycles(rows=rows[:BATCH], labels=labels[:BATCH])
    train = LabelledCycles(rows=rows, labels=labels)
    return TrainingData(features=Features(cache), train=train, selections={"val": chosen}, classes=CLASSES)


def trials(device: str, *, small: bool) -> list[Trial]:
    """Return the trainings that are checked: each network, and each method once."""
    if small:
        return [Trial("ast-mini", "patchmix_cl", device), Trial("mn04", "sam", device)]
    return [Trial("ast-tiny", "patchmix_cl", device), Trial("mn04", "sam", device), Trial("cnn6", "ce", device)]


def deterministic(options: argparse.Namespace) -> Iterator[str]:
    """Yield that two trainings give equal bytes."""
    yield from _equal(options, "twice", lambda trial, folder: trial.digest(folder, small=options.small))


def resumed(options: argparse.Namespace) -> Iterator[str]:
    """Yield that a training that was interrupted within its second epoch gives the bytes of an undisturbed one."""
    stop = 3 * BATCH
    yield from _equal(
        options, "interrupted and resumed", lambda trial, folder: trial.digest(folder, small=options.small, stop=stop)
    )


def _equal(options: argparse.Namespace, how: str, again: Callable[[Trial, Path], str]) -> Iterator[str]:
    """Yield a line for each trial whose two trainings agree."""
    for trial in trials(options.device, small=options.small):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            first, second = trial.digest(Path(one), small=options.small), again(trial, Path(other))
        if first != second:
            raise CheckError(f"{trial.network} {trial.method}, {how}: weights {first} and {second} differ")
        yield f"{trial.network}, `{trial.method}`, {how}: equal bytes ({first})"


def precisions(options: argparse.Namespace) -> Iterator[str]:
    """Yield the largest differences of the first losses: bf16 from fp32, and the device from a CPU."""
    for trial in trials(options.device, small=options.small):
        losses = {}
        for name, device, precision in (
            ("fp32", options.device, "fp32"), ("bf16", options.device, "bf16"), ("cpu", "cpu", "fp32"),
        ):  # fmt: skip
            one = Trial(trial.network, trial.method, device, precision)
            set_up(one.compute())
            with tempfile.TemporaryDirectory() as folder:
                arguments = one.arguments(Path(folder), small=options.small)
                losses[name] = np.array(first_losses(*arguments, seed=0, compute=one.compute()))
        for name, tolerance in (("bf16", PRECISION_TOLERANCE), ("cpu", DEVICE_TOLERANCE)):
            # The losses of later steps differ by more: the weights have differed in every step.
            difference = float(np.abs(losses[name][:2] / losses["fp32"][:2] - 1).max())
            if not difference < tolerance:
                what = f"loss of {name} differs by {difference:.1%} from that of fp32"
                raise CheckError(f"{trial.network} {trial.method}: {what}")
            yield f"{trial.network}, `{trial.method}`: first losses of {name} and fp32 differ by {difference:.3%}"


def side_by_side(options: argparse.Namespace) -> Iterator[str]:
    """Yield that two processes on one device give the bytes of one alone, and their seconds."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--part", "digest", "--device", options.device]
    command += ["--small"] if options.small else []

    def run(number: int) -> tuple[set[str], float]:
        begun = time.perf_counter()
        started = [subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") for _ in range(number)]  # noqa: S603 - this Python
        found = {process.communicate()[0].strip() for process in started}
        if any(process.returncode for process in started):
            raise CheckError(f"one of {number} processes on one device failed")
        return found, time.perf_counter() - begun

    (alone, one_s), (together, two_s) = run(1), run(2)
    if alone != together:
        raise CheckError(f"two processes on one device give other bytes than one: {alone}, {together}")
    yield f"two processes on one device: equal bytes, {two_s:.0f} s together, {one_s:.0f} s for one alone"


def digest(options: argparse.Namespace) -> Iterator[str]:
    """Yield the hash of the first trial's weights (for `side_by_side`)."""
    with tempfile.TemporaryDirectory() as folder:
        yield trials(options.device, small=options.small)[0].digest(Path(folder), small=options.small)


def frontends(options: argparse.Namespace) -> Iterator[str]:
    """Yield speed and largest difference of each front end on the device from that on a CPU."""
    count, seconds = (2, 1.0) if options.small else (FRONTEND_CLIPS, FRONTEND_S)
    for name in sample_rates():
        try:
            front_end = create_frontend(name, seconds)
        except ImportError as error:
            yield f"front end `{name}`: not measured, {error.name} is not installed"
            continue
        clips = 0.1 * torch.randn((count, front_end.samples), generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            expected = front_end(clips)
            front_end, there = front_end.to(options.device), clips.to(options.device)
            found = front_end(there).cpu()
            begun = time.perf_counter()
            front_end(there).cpu()
            rate = count / (time.perf_counter() - begun)
        difference = float((found - expected).abs().max() / max(1.0, float(expected.std())))
        if not difference < FEATURE_TOLERANCE:
            raise CheckError(f"front end {name}: features differ by {difference:.1e} from those of a CPU")
        yield f"front end `{name}`: {rate:.0f} clips of {seconds:g} s a second, largest difference {difference:.1e}"


def speed(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of the table of `benchmarks.training`, at batch 8 and the largest batch."""
    steps = 2 if options.small else 20
    given = argparse.Namespace(device=options.device, threads=1, precision="auto", compile=False, steps=steps, runs=1)
    runs = training.Runs(given)
    batch = 2 if options.small else BATCH
    yield from training.HEAD.splitlines()
    for network, method in [("ast-mini", "ce")] if options.small else SPEED:
        yield runs.compare(network, method, batch)
        largest = runs.fitting_batch(network, method, batch, MEMORY * _memory(options.device))
        if largest > batch:
            yield runs.compare(network, method, largest)


def _memory(device: str) -> float:
    """Return the memory of a device in bytes; of a CPU 0, so that no larger batch is tried."""
    return float(torch.cuda.get_device_properties(0).total_memory) if device == "cuda" else 0.0


def sam_epoch(options: argparse.Namespace) -> Iterator[str]:
    """Yield the seconds of one epoch of the recipe `sam_ast`, on recordings if their folder is given."""
    from benchmarks.recordings import read_cycles
    from flows.recipes import layers
    from tasks.runtime.params import merge
    from tasks.training import student

    recipe = layers.resolve("sam_ast", small=options.small)
    chosen, settings = student.parse(merge(recipe["student"], {"schedule": {"epochs": 1}}))
    compute = ComputeSettings(device=options.device, precision="auto", threads=1, deterministic=False)
    set_up(compute)
    front_end = create_frontend(chosen.frontend, **recipe["frontends"][chosen.frontend])
    epochs: list[Epoch] = []
    with tempfile.TemporaryDirectory() as folder:
        if options.recordings is None:
            data = random_data(Path(folder), 16 if options.small else 1192, front_end.frames)
            source = "random features"
        else:
            begun = time.perf_counter()
            features, labels = read_cycles(options.recordings, front_end, torch.device(options.device))
            write_cache(Path(folder) / "ast", features)
            data = labelled(Path(folder) / "ast", labels)
            source = f"recordings, read and turned into features in {time.perf_counter() - begun:.0f} s"
        torch.manual_seed(1)
        network = create(
            chosen.architecture, frames=front_end.frames, mels=front_end.mels, classes=CLASSES,
            options=chosen.options, weights=None,
        )  # fmt: skip
        objective = create_objective(settings.objective, data.train.labels, CLASSES, network)
        begun = time.perf_counter()
        fit(
            network, objective, settings, data, seed=1, compute=compute, checkpoint=Path(folder) / "checkpoint",
            on_epoch=epochs.append,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
    loss, cycles = epochs[0].row["train_loss"], len(data.train.rows)
    if not np.isfinite(loss):
        raise CheckError(f"the loss of the epoch is {loss}")
    rate = epochs[0].clips_per_s
    yield f"an epoch of `sam_ast`, {cycles} cycles ({source}): {seconds:.0f} s, {rate:.1f} clips/s, loss {loss:.3f}"


# Parts by name, the shortest and most important ones first.
PARTS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "deterministic": deterministic,
    "resumed": resumed,
    "precisions": precisions,
    "frontends": frontends,
    "side_by_side": side_by_side,
    "sam_epoch": sam_epoch,
    "speed": speed,
}
