"""One training of `benchmarks.training` in a process of its own."""

import argparse
import json
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.runtime.hardware import free_memory, peak_memory

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "ast-base": ("ast", {"size": "base"}),
    "cnn6": ("cnn6", {}),
    "ast-tiny": ("ast", {"size": "tiny"}),
    "mn04": ("mn", {"width": 0.4}),
    "ast-mini": ("ast", {"size": "tiny", "depth": 1, "stride": 16}),  # for tests
}
FRAMES, MELS, CLASSES = 798, 128, 4
CACHE_GB = 64.0
EPOCHS = 2  # the first one warms up


def training_settings(method: str, batch: int, width: int) -> Any:
    """Return the settings of a method; all have the learning rate and masks of work (a).

    The benchmark compares the work of a step, which does not depend on the learning rate.
    """
    from models.training import settings
    from models.training.augmentation_settings import SpecAugmentSettings

    return settings.TrainingSettings(
        objective=settings.ObjectiveSettings(
            name="patchmix_cl" if method == "patchmix_cl" else "cross_entropy",
            patchmix=settings.PatchMixSettings(projection=width),
        ),
        optimizer=settings.OptimizerSettings(name="sam" if method == "sam" else "adam", lr=5e-5, weight_decay=1e-6),
        schedule=settings.ScheduleSettings(epochs=EPOCHS, name="constant"),
        sampler="shuffle",
        batch_size=batch,
        specaugment=SpecAugmentSettings(policy="icbhi_ast_sup"),
    )


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Train for two epochs in this process; return clips per second of the second one, CPU seconds and peak memory."""
    from models.networks.registry import create
    from models.training.registry import create as create_objective

    device = torch.device(options.device)
    if device.type == "cpu":
        # A batch that does not fit must fail here, before the kernel kills a process. The limit counts writable
        # address space, which is slightly more than resident memory.
        free = free_memory()
        resource.setrlimit(resource.RLIMIT_DATA, (free, free))
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    architecture, given = NETWORKS[options.network]
    network = create(architecture, frames=FRAMES, mels=MELS, classes=CLASSES, options=given, weights=None)
    cycles = options.steps * options.batch
    random = np.random.default_rng(0)
    features = random.standard_normal((cycles, FRAMES, MELS), dtype=np.float32).astype(np.float16)
    labels = random.integers(0, CLASSES, cycles)
    labels[:2] = (0, 1)
    method = training_settings(options.method, options.batch, network.num_features)
    objective = create_objective(method.objective, labels, CLASSES, network)
    if options.loop == "plain":
        from benchmarks.baselines.trainer import Clips, run

        sam = options.method == "sam"
        clips = Clips(features, labels)
        found = run(network, objective, clips, sam=sam, batch=options.batch, device=device, epochs=EPOCHS)
    else:
        found = ours(network, objective, method, features=features, labels=labels, options=options)
    found["state_mb"] = 16e-6 * sum(p.numel() for p in [*network.parameters(), *objective.parameters()])
    if device.type == "cuda":
        found["peak_mb"] = torch.cuda.max_memory_allocated() / 1e6
    else:
        found["peak_mb"] = peak_memory() / 1e6
    return found


def ours(
    network: Any, objective: Any, method: Any, *, features: np.ndarray, labels: np.ndarray, options: argparse.Namespace
) -> dict[str, float]:
    """Train with Breathline's loop from a feature cache on disk; return the figures of the last epoch."""
    from models.training.features import Features
    from models.training.loop import fit
    from models.training.selection import LabelledCycles, TrainingData
    from models.training.settings import ComputeSettings, Selection
    from tasks.training.torch_setup import set_up_training

    compute = ComputeSettings(
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        deterministic=False,
        compile=options.compile or options.device == "cuda",
        cache_gb=CACHE_GB,
    )
    set_up_training(compute)
    epochs, used = list[Any](), list[float]()

    def on_epoch(epoch: Any) -> None:
        epochs.append(epoch)
        used.append(time.process_time())

    with tempfile.TemporaryDirectory() as folder:
        rows = write_cache(Path(folder) / "ast", features)
        selections: dict[Selection, LabelledCycles] = {"val": LabelledCycles(rows=rows[:2], labels=labels[:2])}
        train = LabelledCycles(rows=rows, labels=labels)
        data = TrainingData(
            features=Features(Path(folder) / "ast"), train=train, selections=selections, classes=CLASSES
        )
        checkpoint = Path(folder) / "checkpoint"
        fit(network, objective, method, data, seed=0, compute=compute, checkpoint=checkpoint, on_epoch=on_epoch)
        speed = epochs[-1].speed
        found = {"clips_per_s": speed.clips_per_s, "cpu_s": (used[-1] - used[-2]) / len(features)}
        if speed.utilisation is not None:
            found["utilisation"] = speed.utilisation
        seconds = data_path(network, objective, method, data, torch.device(options.device))
        return found | {"data_path": seconds / (options.steps * speed.step_ms / 1000)}


def data_path(network: Any, objective: Any, method: Any, data: Any, device: torch.device) -> float:
    """Return the seconds of an epoch's batches without the network: reading and augmentation."""
    from models.training.batches import Batches
    from models.training.distributed import ProcessGroup

    draw = partial(objective.draw, network)
    batches = Batches(method, data.train, data.features, seed=0, device=device, group=ProcessGroup(), draw=draw)

    def seconds() -> float:
        begun = time.perf_counter()
        for _ in batches.epoch(1):
            pass
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begun

    with data.features.on_device(data.rows, device, gigabytes=CACHE_GB):
        seconds()
        return seconds()


def write_cache(folder: Path, features: np.ndarray) -> np.ndarray:
    """Write a feature cache in the format of the stage `fbank`, and return its rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    rows = np.arange(len(features))
    np.save(folder / "features.npy", features)
    cycles = [f"{row:06d}" for row in rows]
    pq.write_table(pa.table({"cycle_id": cycles, "row": rows.astype(np.int32)}), folder / "index.parquet")
    (folder / "statistics.json").write_text(json.dumps({"frontend": folder.name, "duration_s": 8.0}), encoding="utf-8")
    return rows


def main() -> None:
    """Print the measured figures of the case that the argument describes, as JSON."""
    print(json.dumps(measure(argparse.Namespace(**json.loads(sys.argv[1])))))


if __name__ == "__main__":
    main()
