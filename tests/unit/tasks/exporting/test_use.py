"""The example of use of an export, in an environment of numpy, soundfile and onnxruntime alone."""

import csv
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models import artifact
from models.export.waveform_network import NOVELTY
from models.file_reading import read_json
from models.frontends.registry import sample_rates
from tasks.exporting import folder
from tasks.prediction import predictor
from tasks.runtime import files
from tests.unit.models.export import cards

NEEDED = ("numpy", "soundfile", "onnxruntime")
UNREACHABLE = ("failed to fetch", "error sending request", "dns error", "timed out", "connection")  # in uv's words
DEVICES = ("Meditron", "Litt3200", "AKGC417L")  # of real recordings, with their rates


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """Return the Python of an environment that holds the needed packages alone."""
    environment = tmp_path_factory.mktemp("bare") / "venv"
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "venv", "--quiet", "--no-project", "--python", sys.executable, str(environment)]
    subprocess.run(command, check=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = [f"{name}=={version(name)}" for name in NEEDED]
    command = [str(uv), "pip", "install", "--quiet", "--python", str(python), *pins]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and any(word in done.stderr.lower() for word in UNREACHABLE):
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return python


def student(path: Path, frontend: str, **more) -> Path:
    """Write the folder of a student and, beside it, the folder of its export, which is returned."""
    card, state = cards.model(frontend, *cards.TINY[frontend], novelty=True, **more)
    state["novelty.components"] *= 0.01
    network = {name: tensor for name, tensor in state.items() if name not in NOVELTY}
    artifact.save(path / "student", {"val": network}, card)
    exported = path / "export"
    novelty = {name.rpartition(".")[2]: state[name] for name in NOVELTY}
    limit = {"quantile": 0.99, "threshold": 1e9, "dimensions": 3}
    full = card | {"sample_rate": sample_rates()[frontend], "banner": "From noise only.", "novelty": limit}
    folder.write(exported, path / "student", full, network, novelty)
    files.write_json(exported / "model.json", full)
    return exported


def run(python: Path, exported: Path, wavs: list[Path]) -> tuple[list[dict[str, str]], str]:
    """Return the rows and the messages of the example of use, run from an empty folder."""
    elsewhere = exported.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    command = [str(python), "-I", str(exported / "use.py"), *map(str, wavs)]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(done.stdout.splitlines())), done.stderr


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """Return recordings of other rates and channels than the models', one shorter than a clip."""
    root, random, found = tmp_path_factory.mktemp("recordings"), np.random.default_rng(3), []
    for name, rate, channels, seconds in (("a", 4_000, 1, 2.35), ("b", 44_100, 2, 1.5), ("c", 16_000, 1, 0.3)):
        samples = random.normal(0, 0.1, (int(rate * seconds), channels))
        soundfile.write(root / f"{name}.wav", samples, rate, subtype="PCM_16")
        found.append(root / f"{name}.wav")
    return found


def compare(python, path, frontend, wavs, **more):
    """Compare the example of use with the pipeline, and return the folder of the export."""
    exported = student(path, frontend, **more)
    rows, _ = run(python, exported, wavs)
    model = predictor.load(path / "student", "student", engine="torch")
    expected = [row for wav in wavs for row in model.predict(predictor.in_file(wav)).rows()]
    assert [(row["file"], float(row["start_s"]), float(row["end_s"])) for row in rows] == [
        (row["file"], row["start_s"], row["end_s"]) for row in expected
    ]
    for name in cards.CLASSES:
        found = [float(row[f"p_{name}"]) for row in rows]
        np.testing.assert_allclose(found, [row[f"p_{name}"] for row in expected], atol=1e-4)
    assert [row["predicted"] for row in rows] == [row["predicted"] for row in expected]
    assert len({row["p_normal"] for row in rows}) == len(rows)  # the network tells the windows apart
    return exported


@pytest.mark.slow  # an environment is built, and the network is exported
def test_it_predicts_as_the_pipeline_does(bare_python, generated, tmp_path):
    exported = compare(bare_python, tmp_path, "ast", generated, normalized=True, threshold=0.3)
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(8_000), 8_000)
    files.write_json(exported / "model.json", read_json(exported / "model.json") | {"novelty": {"threshold": 0.0}})
    rows, said = run(bare_python, exported, [silent, generated[0]])
    assert said == "From noise only.\n"
    assert (rows[0]["predicted"], rows[0]["note"]) == ("", "not judged: silence")
    assert {row["note"] for row in rows[1:]} == {"unlike anything the model learned from"}


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("frontend", ["ast", "efficientat"])
def test_it_predicts_real_recordings_as_the_pipeline_does(bare_python, real_icbhi, tmp_path, frontend):
    found = [min(real_icbhi.rglob(f"*_{device}.wav")) for device in DEVICES]
    wavs = [Path(shutil.copy(wav, tmp_path)) for wav in found]  # without annotations, so that both cut windows
    compare(bare_python, tmp_path, frontend, wavs)
