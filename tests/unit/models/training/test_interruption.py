"""Interrupted and resumed trainings against undisturbed ones."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from models.training import checkpoint as checkpoints
from models.training.selection import TrainingData
from models.training.settings import MovingAverageSettings
from models.training.state import SAVE_EVERY
from tests.unit.models.training import toys
from tests.unit.models.training.toys import same, train

ROOT = Path(__file__).parents[4]
EMA = MovingAverageSettings(kind="ema", decay=0.9)
VARIANTS = {
    "adamw": toys.settings(),
    "sam, EMA, clipped": toys.settings(optimizer=toys.optimizer(name="sam", clip_norm=1.0), moving_average=EMA),
    "shuffle": toys.settings(sampler="shuffle"),
    "against domain shift": toys.settings(**toys.AGAINST_SHIFT),
}
LONG = [pytest.param(variant, marks=pytest.mark.long) for variant in ("adamw", "shuffle")]


class InterruptedTraining(Exception):  # noqa: N818
    pass


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["sam, EMA, clipped", "against domain shift", *LONG])
def test_an_interruption_at_any_moment_does_not_change_the_result(tmp_path, variant):
    settings, data = VARIANTS[variant], toys.data(tmp_path, paper=True)
    data = toys.with_devices(data) if variant == "against domain shift" else data
    undisturbed = train(tmp_path / "a", settings, data)
    assert same(undisturbed, train(tmp_path / "b", settings, data)), "equal arguments, equal bits"
    # Before and after checkpoints of whole epochs, and of every step.
    moments = [(1, "train", 16), (1, "train", 24), (2, "train", 8), (2, "train", 64), (2, "val", 32), (3, "paper", 40)]
    for number, moment in enumerate(moments):
        every = 0.0 if number % 2 else SAVE_EVERY

        def interrupt(epoch: int, phase: str, done: int, total: int, moment: tuple[int, str, int] = moment) -> None:
            if (epoch, phase, done) == moment:
                raise InterruptedTraining

        torch.manual_seed(len(moments))  # nothing that a new process would not set itself
        with pytest.raises(InterruptedTraining):
            train(tmp_path / "c", settings, data, on_batch=interrupt, save_every=every)
    assert same(undisturbed, train(tmp_path / "c", settings, data))
    epochs: list[Any] = []
    assert same(undisturbed, train(tmp_path / "c", settings, data, on_epoch=epochs.append)), "finished: nothing to do"
    assert not epochs


def test_an_interrupted_epoch_resumes_at_its_step(tmp_path, caplog):
    steps: list[tuple[int, str, int]] = []

    def interrupt(epoch: int, phase: str, done: int, total: int) -> None:
        steps.append((epoch, phase, done))
        if done == 40 and len(steps) == 5:
            raise InterruptedTraining

    data, speeds = toys.data(tmp_path), []
    with pytest.raises(InterruptedTraining):
        train(tmp_path, toys.settings(), data, on_batch=interrupt, save_every=0.0)
    with caplog.at_level("INFO"):
        train(tmp_path, toys.settings(), data, on_batch=interrupt, on_epoch=lambda epoch: speeds.append(epoch.speed))
    assert "Resumed after epoch 0 and 5 steps of the next." in caplog.text
    assert steps[:8] == [(1, "train", 8 * step) for step in range(1, 9)], "each step once"
    assert [round(speed.clips_per_s * speed.step_ms / 1000) for speed in speeds] == [8, 8, 8], "of this run's steps"


def interrupted(folder: Path, data: TrainingData) -> Path:
    """Interrupt a training that has two checkpoints, and return their folder."""

    def interrupt(epoch: int, phase: str, done: int, total: int) -> None:
        if (epoch, phase, done) == (2, "train", 40):
            raise InterruptedTraining

    with pytest.raises(InterruptedTraining):
        train(folder, toys.settings(), data, on_batch=interrupt, save_every=0.0)
    return folder / "checkpoint"


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "flipped bit": (lambda given: given[:3000] + bytes([given[3000] ^ 4]) + given[3001:], "was changed: its"),
    "cut": (lambda given: given[:-2000], "without a checksum: it was cut off or overwritten"),
    "empty": (lambda given: b"", "is empty"),
    "garbage": (lambda given: b"\n{}\n" * 40, "160 bytes without a checksum"),
    "other training": (
        lambda given: given.replace(b'"training": "checkpoint"', b'"training": "another"'),
        "belongs to another training (another)",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_after_damage_to_the_newest_checkpoint_the_one_before_gives_the_same_result(tmp_path, caplog, damage):
    data, (change, found) = toys.data(tmp_path), DAMAGES[damage]
    newest = interrupted(tmp_path / "a", data) / "training.pt"
    newest.write_bytes(change(newest.read_bytes()))
    result = train(tmp_path / "a", toys.settings(), data)
    assert found in caplog.text
    assert "The training resumes from training.previous.pt." in caplog.text
    assert same(result, train(tmp_path / "b", toys.settings(), data))


def test_after_damage_to_both_checkpoints_the_training_begins_anew(tmp_path, caplog):
    data = toys.data(tmp_path)
    folder = interrupted(tmp_path / "a", data)
    for name in ("training.pt", "training.previous.pt"):
        (folder / name).write_bytes(b"")
    epochs: list[Any] = []
    result = train(tmp_path / "a", toys.settings(), data, on_epoch=epochs.append)
    assert caplog.text.count("is empty. The training starts from its beginning.") == 2
    assert len(epochs) == 3
    assert same(result, train(tmp_path / "b", toys.settings(), data))


@pytest.mark.slow  # processes that import torch: 4 s
def test_a_kill_within_an_epoch_does_not_change_the_result(tmp_path):
    data = toys.data(tmp_path)
    undisturbed = train(tmp_path / "a", VARIANTS["sam, EMA, clipped"], data)
    code = f"""if True:
        import os, signal, torch
        from pathlib import Path
        from tests.unit.models.training import test_interruption, toys
        torch.set_num_threads(1)
        folder = Path({str(tmp_path)!r})
        kill = lambda epoch, phase, done, total: (epoch, done) == (2, 24) and os.kill(os.getpid(), signal.SIGKILL)
        settings = test_interruption.VARIANTS["sam, EMA, clipped"]
        toys.train(folder / "c", settings, toys.data(folder), on_batch=kill, save_every=0.0)
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    kept = checkpoints.read(tmp_path / "c" / "checkpoint" / "training.pt")
    assert (kept["position"]["epoch"], kept["position"]["step"]) == (2, 3)
    assert same(undisturbed, train(tmp_path / "c", VARIANTS["sam, EMA, clipped"], data))
