"""Set-up of torch by `compute` of params.yaml, and the log line of an epoch."""

import dataclasses
import io
import logging
from collections.abc import Iterator

import pytest
import torch
from rich.console import Console

from models.training.loop import Epoch
from models.training.settings import ComputeSettings
from models.training.throughput import Throughput
from tasks.runtime.errors import BreathlineError
from tasks.training.progress import TrainingProgress
from tasks.training.torch_setup import as_breathline_error, set_up, set_up_training

COMPUTE = ComputeSettings(device="cpu", precision="fp32", threads=1)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    set_up(COMPUTE)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("deterministic", [True, False])
def test_deterministic_is_exact_and_otherwise_it_is_fast(monkeypatch, deterministic):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    set_up(dataclasses.replace(COMPUTE, deterministic=deterministic, threads=2))
    assert torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled() == deterministic
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn
    exact = [cudnn.deterministic, not cudnn.benchmark, not cudnn.allow_tf32, not torch.backends.cuda.matmul.allow_tf32]
    assert exact == [deterministic] * 4


def test_what_has_no_deterministic_algorithm_is_an_error_that_names_the_switch():
    def put() -> None:  # one of the few without one on a CPU
        with as_breathline_error(where="here"):
            torch.zeros(2).put_(torch.tensor([0, 0]), torch.ones(2))

    set_up(COMPUTE)
    with pytest.raises(BreathlineError, match="operation put_ has no algorithm") as raised:
        put()
    assert "false" in raised.value.hint
    set_up(dataclasses.replace(COMPUTE, deterministic=False))
    put()
    with pytest.raises(RuntimeError, match="mat1 and mat2"), as_breathline_error(where="here"):
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_a_training_on_a_cpu_keeps_freed_memory(monkeypatch):
    calls = []
    monkeypatch.setattr("tasks.training.torch_setup.keep_freed_memory", lambda: calls.append(1))
    set_up(dataclasses.replace(COMPUTE, device="cpu"))
    assert calls == [], "a server gives memory back"
    set_up_training(dataclasses.replace(COMPUTE, device="cpu"))
    assert calls == [1]


def test_a_device_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BreathlineError, match=r"compute\.device is cuda"):
        set_up(dataclasses.replace(COMPUTE, device="cuda"))


SCORES = {"val_score_strict": 61.25, "val_score_lenient": 70.0, "val_sp": 80.0, "val_se_strict": 42.5}
ROW = {"epoch": 2, "train_loss": 0.5, **SCORES}


@pytest.mark.parametrize(
    ("speed", "words"),
    [
        (Throughput(4321.0, 1.8512, 3.2e14, 0.3234), "4321 clips/s, 1.85 ms a step, 32.3% of the peak rate"),
        (Throughput(55.4, 144.4, 5.43e9, None), "55 clips/s, 144 ms a step, 5.43 GFLOP/s"),
        (None, "trained before"),
    ],
)
def test_an_epoch_is_a_line_with_its_speed(caplog, speed, words):
    log = logging.getLogger("toy")
    with TrainingProgress(8, Console(file=io.StringIO()), log) as progress, caplog.at_level("INFO"):
        progress.on_epoch(Epoch(row=ROW, speed=speed))
    scores = "epoch 2/8  loss 0.500  val Score 61.2 strict, 70.0 lenient (Sp 80.0, Se 42.5)"
    assert caplog.messages == [f"{scores}  {words}"]
