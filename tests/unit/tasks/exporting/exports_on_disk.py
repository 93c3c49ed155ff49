"""Exports of random networks, and the example of use in an environment of its three packages."""

import csv
import os
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models import artifact
from models.export.waveform_network import NOVELTY
from models.frontends.registry import sample_rates
from tasks.exporting import card as model_card
from tasks.exporting import folder, onnx_file
from tasks.prediction import predictor
from tasks.prediction.engines.base import FIELDS, Outputs
from tasks.prediction.passes import Run
from tasks.prediction.predictor import Predictor
from tests.unit.models.export import cards

NEEDED = ("numpy", "soundfile", "onnxruntime")
UNREACHABLE = ("failed to fetch", "error sending request", "dns error", "timed out", "connection")  # in uv's words
BANNER = "From noise only."


def write(path: Path, frontend: str, *, onnx: bool, **more: Any) -> tuple[Path, Path]:
    """Write the folder of a student and that of its export, and return both.

    Args:
        path: Folder of both.
        frontend: Front end of the network.
        onnx: Whether the export holds an ONNX file.
        more: Options of `cards.model`.
    """
    card, state = cards.model(frontend, *cards.TINY[frontend], novelty=True, **more)
    state["novelty.components"] *= 0.01
    network = {name: tensor for name, tensor in state.items() if name not in NOVELTY}
    artifact.save(path / "student", {"val": network}, card)
    novelty = {name.rpartition(".")[2]: state[name] for name in NOVELTY}
    limit = {"quantile": 0.99, "threshold": 1e9, "dimensions": 3}
    facts = {
        "format": 1,
        "id": "0123456789abcdef",
        "sample_rate": sample_rates()[frontend],
        "banner": BANNER,
        "novelty": limit,
    }
    folder.write(path / "export", path / "student", card | facts, network, novelty, onnx=onnx)
    model_card.write(path / "export", card | facts)
    return path / "student", path / "export"


def bare_python(environment: Path) -> Path:
    """Return the Python of a new environment that holds the needed packages alone, or skip, visibly."""
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(environment)], check=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = [f"{name}=={version(name)}" for name in NEEDED]
    command = [uv, "pip", "install", "--quiet", "--python", str(python), *pins]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and any(word in done.stderr.lower() for word in UNREACHABLE):
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return python


def run_example(
    python: Path, exported: Path, wavs: list[Path], elsewhere: Path, status: int = 0
) -> tuple[list[dict[str, str]], str]:
    """Return the rows and the messages of the example of use, run from another folder."""
    command = [str(python), "-I", str(exported / "use.py"), *map(str, wavs)]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == status, done.stderr
    return list(csv.DictReader(done.stdout.splitlines())), done.stderr


def compare_example(rows: list[dict[str, str]], model: Predictor, wavs: list[Path], run: Run | None = None) -> None:
    """Compare the rows of the example of use with the pipeline's predictions.

    Args:
        rows: Rows of the example of use.
        model: The student, as the pipeline runs it.
        wavs: Recordings.
        run: Function that runs the student's engine; `Engine.run` itself, if None.
    """
    expected = [row for wav in wavs for row in model.predict(predictor.in_file(wav), run=run).rows()]
    assert [(row["file"], float(row["start_s"]), float(row["end_s"])) for row in rows] == [
        (row["file"], row["start_s"], row["end_s"]) for row in expected
    ]
    for name in cards.CLASSES:
        found = [float(row[f"p_{name}"]) for row in rows]
        np.testing.assert_allclose(found, [row[f"p_{name}"] for row in expected], atol=1e-4)
    assert [row["predicted"] for row in rows] == [row["predicted"] for row in expected]
    assert len({row["p_normal"] for row in rows}) == len(rows)  # the network tells the windows apart


def compare_features(model: Predictor, exported: Path, wavs: list[Path]) -> Run:
    """Return a function that compares the features of the example of use with the pipeline's, and judges the former.

    Samples may differ by their rounding, and features by one step of float16, which a random network amplifies.

    Args:
        model: The student, as the pipeline runs it.
        exported: Folder of its export.
        wavs: Recordings, in the order in which they are predicted.
    """
    network, example = model.engine.network, {"__file__": str(exported / "use.py"), "__name__": "__main__"}
    with suppress(SystemExit), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["use.py"])  # without a recording it ends after its definitions
        exec((exported / "use.py").read_text(encoding="utf-8"), example)  # noqa: S102 - the project's own file
    windows = iter([samples for wav in wavs for *_, samples in example["windows"](wav)])

    def run(waveforms, offsets=None):
        assert offsets is None
        given, heard = (onnx_file.stacked(some) for some in ([next(windows) for _ in waveforms], waveforms))
        np.testing.assert_array_equal(given["lengths"], heard["lengths"])
        np.testing.assert_allclose(given["waveform"], heard["waveform"], atol=1e-6)
        _, features = onnx_file.run_with_features(exported / "model.onnx", given, network.output_names)
        with torch.inference_mode():
            own = network.features(*map(torch.from_numpy, heard.values())).numpy()
            outputs = dict(zip(network.output_names, network.judge(torch.from_numpy(features)), strict=True))
        assert onnx_file.share_moved(features, own) < onnx_file.MOVED
        return Outputs(**{field: outputs[name].numpy() for field, name in FIELDS.items() if name in outputs})

    return run
