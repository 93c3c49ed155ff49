"""Set-up of torch by `compute` of params.yaml."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch

from models.training.settings import ComputeSettings
from tasks.runtime.errors import BreathlineError
from tasks.training.torch_setup import as_breathline_error, set_up

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
    assert raised.value.hint is not None
    assert "false" in raised.value.hint
    set_up(dataclasses.replace(COMPUTE, deterministic=False))
    put()
    with pytest.raises(RuntimeError, match="mat1 and mat2"), as_breathline_error(where="here"):
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_a_device_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BreathlineError, match=r"compute\.device is cuda"):
        set_up(dataclasses.replace(COMPUTE, device="cuda"))
