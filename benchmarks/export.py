"""Benchmark of ONNX files: ``python -m benchmarks.export FOLDER [--ast]``.

Prints a Markdown table: bytes of the file, seconds of its export, and of one clip on one core with onnxruntime and with
PyTorch, with and without the front end. FOLDER holds a student or an export. ``--ast`` adds an AST of full size with
random weights, which takes as long as a trained one.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from models.export import assembly
from models.export.waveform_network import WaveformNetwork
from models.frontends.registry import create as create_front_end
from models.networks.registry import create
from tasks.exporting import onnx_file
from tasks.runtime.hardware import cpu_name

AST_S = 8.0  # length of a clip in the works that use AST


def networks(folder: Path, *, ast: bool) -> Iterator[tuple[str, WaveformNetwork]]:
    """Yield the networks to measure, each with its name."""
    network, card = assembly.load(folder)
    yield f"`{card['architecture']}`, `{card['frontend']}`, {card['duration_s']:g} s", network
    if ast:
        front_end = create_front_end("ast", AST_S)
        shape = {"frames": front_end.frames, "mels": front_end.mels}
        whole = create("ast", **shape, classes=4, options={}, weights=None)
        yield f"`ast`, `ast`, {AST_S:g} s", WaveformNetwork(front_end, whole, classes=4).eval()


def median_ms(call: Callable[[], object], runs: int) -> float:
    """Return the median time of a call in milliseconds, after a first one that is not counted."""
    call()
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def row(name: str, network: WaveformNetwork, runs: int) -> str:
    """Return the line of one network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        begun = time.perf_counter()
        onnx_file.write(path, network, {})
        exported = time.perf_counter() - begun
        size = path.stat().st_size
        begun = time.perf_counter()
        session = onnx_file.session(path)
        loaded = 1000 * (time.perf_counter() - begun)
    front_end = network.front_end
    noise = np.random.default_rng(0).normal(0, 0.1, front_end.samples).astype(np.float32)
    given = onnx_file.stacked([noise])
    inputs = [torch.from_numpy(given[one]) for one in ("waveform", "lengths")]
    with torch.inference_mode():
        onnx = median_ms(lambda: session.run(["probabilities"], given), runs)
        pytorch = median_ms(lambda: network(*inputs), runs)
        features = median_ms(lambda: network.features(*inputs), runs)
        matrices = assembly.exportable(network)
        products = median_ms(lambda: matrices.features(*inputs), runs)
    seconds = front_end.samples / front_end.sample_rate
    figures = (f"{size / 1e6:.2f}", f"{exported:.1f}", f"{loaded:.0f}", f"{onnx:.1f}", f"{1000 * seconds / onnx:.0f}")
    return f"| {' | '.join((name, *figures, f'{pytorch:.1f}', f'{features:.1f}', f'{products:.1f}'))} |"


def main() -> None:
    """Print the table of measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of a student or an export")
    parser.add_argument("--ast", action="store_true", help="add an AST of full size")
    parser.add_argument("--runs", type=int, default=20, help="calls of each network")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"One core ({cpu_name()}), medians of {options.runs} clips:\n")
    print(
        "| network, front end, clip | MB | export, s | load, ms | onnxruntime, ms | times real time | PyTorch, ms | "
        "its front end | with matrix products |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, network in networks(options.folder, ast=options.ast):
        print(row(name, network, options.runs), flush=True)


if __name__ == "__main__":
    main()
