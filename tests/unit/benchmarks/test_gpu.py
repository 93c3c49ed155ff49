"""Dry run of the checks and measurements of training on a GPU, on the CPU."""

import argparse
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from benchmarks import gpu, gpu_parts
from benchmarks.gpu_parts import CheckError, Trial
from benchmarks.recordings import read_cycles
from models.frontends.registry import create

DRY = argparse.Namespace(device="cpu", small=True, recordings=None)


@pytest.fixture(autouse=True)
def mini(monkeypatch):
    """Check the smallest network only, and undo the settings of torch."""
    monkeypatch.setattr(gpu_parts, "trials", lambda device, *, small: [Trial("ast-mini", "patchmix_cl", device)])
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ("deterministic", "ast-mini, `patchmix_cl`, twice: equal bytes"),
        pytest.param(
            "resumed", "ast-mini, `patchmix_cl`, interrupted and resumed: equal bytes", marks=pytest.mark.long
        ),
        pytest.param(
            "precisions", "ast-mini, `patchmix_cl`: first losses of bf16 and fp32 differ by 0.", marks=pytest.mark.long
        ),
        ("frontends", "front end `ast`: "),
    ],
)
def test_a_part_says_what_it_found(part, line):
    assert next(iter(gpu_parts.PARTS[part](DRY))).startswith(line)


def test_other_bytes_fail_the_check(monkeypatch):
    hashes = iter(["one", "other"])
    monkeypatch.setattr(Trial, "digest", lambda *_, **__: next(hashes))
    with pytest.raises(CheckError, match="ast-mini patchmix_cl, twice: weights one and other differ"):
        list(gpu_parts.deterministic(DRY))


def test_parts_without_time_are_named(capsys):
    assert gpu.main(["--device", "cpu", "--small", "--minutes", "0", "--parts", "deterministic", "speed"]) == 1
    told = capsys.readouterr().out
    assert "deterministic: not run, no time was left" in told
    assert "speed: not run, no time was left" in told


def test_without_a_gpu_the_way_out_is_named(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 1
    assert "--device cpu --small" in capsys.readouterr().out


def test_cycles_of_recordings_have_features_and_classes(tmp_path):
    sound = np.random.default_rng(0).normal(0, 0.1, 12_000)
    soundfile.write(tmp_path / "101_1b1_Al_sc_Meditron.wav", sound, 4000)
    (tmp_path / "101_1b1_Al_sc_Meditron.txt").write_text("0\t1\t0\t0\n1\t3\t1\t1\n")
    shutil.copy(tmp_path / "101_1b1_Al_sc_Meditron.wav", tmp_path / "102_1b1_Al_sc_Meditron.wav")
    (tmp_path / "102_1b1_Al_sc_Meditron.txt").write_text("")  # no cycle
    front_end = create("ast", 2.5)
    features, labels = read_cycles(tmp_path, front_end, torch.device("cpu"))
    assert features.shape == (2, front_end.frames, front_end.mels)
    assert labels.tolist() == [0, 3]
    with pytest.raises(ValueError, match="holds no wav file with a txt file"):
        read_cycles(tmp_path / "none", front_end, torch.device("cpu"))


@pytest.mark.long  # nine processes with torch
def test_the_dry_run_passes():
    command = [sys.executable, "-m", "benchmarks.gpu", "--device", "cpu", "--small"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=540)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All parts have passed." in done.stdout
    assert "| ast-mini | ce | 2 |" in done.stdout
    assert "an epoch of `sam_ast`, 16 cycles" in done.stdout
