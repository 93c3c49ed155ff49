"""Memory that runs out in a training step: smaller parts with the same result, or an error that says why not."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.training.memory import StepMemoryError, is_out_of_memory
from models.training.registry import create
from models.training.settings import ObjectiveSettings, PatchMixSettings
from tests.unit.models.training import multi_process as parallel
from tests.unit.models.training import toys
from tests.unit.models.training.toys import same, train

ROOT = Path(__file__).parents[4]
CPU_MESSAGE = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4096 bytes. Error code 12 (Cannot allocate memory)"
)
ERRORS = {
    "GPU": partial(torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate 20.00 MiB."),
    "CPU": partial(RuntimeError, CPU_MESSAGE),
    "NumPy": partial(MemoryError, "Unable to allocate 1.00 GiB"),
}


class Limited(parallel.Normed):
    """Network with dropout that fails, after its random numbers were drawn, on more cycles than fit."""

    def __init__(self, fits: int, error: object = ERRORS["GPU"]) -> None:
        super().__init__()
        self.fits, self.error, self.dropout = fits, error, nn.Dropout(0.2)

    def embed(self, features: Tensor) -> Tensor:
        embedded = self.dropout(super().embed(features))
        if self.training and len(features) > self.fits:
            raise self.error()
        return embedded


def limited(fits: int, error: object = ERRORS["GPU"]) -> Limited:
    torch.manual_seed(0)
    return Limited(fits, error)


@pytest.mark.parametrize("error", ERRORS)
def test_smaller_parts_give_the_bytes_of_that_micro_batch(tmp_path, caplog, error):
    data, settings = toys.data(tmp_path), parallel.settings()
    result = train(tmp_path / "a", settings, data, network=limited(2, ERRORS[error]))
    assert [record.message.partition(".")[0] for record in caplog.records] == [
        "Memory ran out with 8 cycles at once",
        "Memory ran out with 4 cycles at once",
    ], "told once for each size"
    assert "continues with 2 at once and the same result; `micro_batch: 2` begins with it." in caplog.text
    expected = train(tmp_path / "b", parallel.settings(micro_batch=2), data, network=limited(8))
    assert same(result, expected)


def test_a_resumed_training_keeps_the_size(tmp_path, caplog):
    data = toys.data(tmp_path)

    def interrupt(epoch: int, phase: str, done: int, total: int) -> None:
        if (epoch, done) == (2, 24):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "a", parallel.settings(), data, network=limited(4), on_batch=interrupt, save_every=0.0)
    caplog.clear()
    resumed = train(tmp_path / "a", parallel.settings(), data, network=limited(8))
    assert "Memory" not in caplog.text
    assert same(resumed, train(tmp_path / "b", parallel.settings(micro_batch=4), data, network=limited(8)))


PATCHMIX = ObjectiveSettings(name="patchmix_cl", patchmix=PatchMixSettings(projection=12))


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("one cycle", "with one cycle at once: CUDA out of memory"),
        ("BatchNorm", "8 cycles at once: CUDA .* not cut into smaller parts: BatchNorm .* gives another result"),
        ("Patch-Mix", "not cut into smaller parts: PatchMixContrastive compares .* gives another result"),
    ],
)
def test_a_batch_that_cannot_be_cut_is_an_error_with_the_reason(tmp_path, case, reason):
    data, settings, network, objective = toys.data(tmp_path), parallel.settings(), limited(0), None
    if case == "BatchNorm":
        network.bn = nn.BatchNorm1d(3)
    if case == "Patch-Mix":
        network = parallel.Patches()
        network.encode = lambda patches: (_ for _ in ()).throw(ERRORS["GPU"]())
        objective = create(PATCHMIX, data.train.labels, data.classes, network)
    with pytest.raises(StepMemoryError, match=reason):
        train(tmp_path, settings, data, objective, network=network)


def test_other_errors_are_not_taken_for_missing_memory(tmp_path):
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("out of memory"))
    with pytest.raises(RuntimeError, match="shapes"):
        train(tmp_path, parallel.settings(), toys.data(tmp_path), network=limited(0, lambda: RuntimeError("shapes")))


LIMIT = """if True:
    import resource, sys, torch
    from pathlib import Path
    from torch import nn
    from models.networks.base import Network
    from tests.unit.models.training import toys

    class Wide(Network):
        num_features = 4  # of 1 MiB of activations for each cycle and operation

        def __init__(self):
            super().__init__()
            self.line, self.head = nn.Linear(toys.FRAMES * toys.MELS, 4), nn.Linear(4, toys.CLASSES)

        def embed(self, features):
            line = self.line(features.flatten(1))
            return (line[:, :, None] + torch.zeros(1, 4, 1 << 16)).sin().cos().mean(2)

    logging = __import__("logging").basicConfig(level="WARNING", format="%(message)s")
    torch.set_num_threads(1)
    folder, results = Path(sys.argv[1]), []
    for micro_batch in (2, None):
        torch.manual_seed(0)
        given = toys.settings(batch_size=32, micro_batch=micro_batch, schedule=toys.SHORT)
        data = toys.data(folder, train=32, judge=32)
        results.append(toys.train(folder / str(micro_batch), given, data, network=Wide()))
        used = 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1])
        resource.setrlimit(resource.RLIMIT_AS, (used + (60 << 20), -1))
    print(max(float((a - b).abs().max()) for a, b in zip(*(r.states["val"].values() for r in results))))
"""


@pytest.mark.slow  # starts a process that imports torch, about 5 s
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS and /proc")
def test_a_real_limit_of_memory_is_answered_by_smaller_parts(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMIT, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Memory ran out with 32 cycles at once." in done.stderr, done.stderr
    assert "Memory ran out in the evaluation. It continues with 16 cycles" in done.stderr
    assert float(done.stdout) < 1e-6
