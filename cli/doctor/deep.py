"""Checks that import torch, Prefect and Great Expectations, and calculate: `breathline doctor --deep`."""

import importlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cli.doctor.check_result import CheckResult, result
from cli.doctor.machine import GB
from tasks.runtime.error_output import one_line

PACKAGES = ("torch", "torchaudio", "torchvision", "timm", "prefect", "great_expectations")
TOLERANCE = 1e-3  # relative error of a product in fp32, or in TF32 on some GPUs
SIZE = 256


def imports(root: Path) -> Iterator[CheckResult]:
    """Check that packages can be imported: only an import shows builds that do not fit together."""
    for name in PACKAGES:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a broken binary raises any, such as OSError
            advice = "the builds do not fit together: `rm -rf .venv && make setup`"
            yield CheckResult(name, "problem", one_line(error), advice)
        else:
            yield CheckResult(name, "ok", str(module.__version__))


def gpus(root: Path) -> Iterator[CheckResult]:
    """Check each GPU: the architecture that torch was built for, memory, bf16, and a product of matrices."""
    import torch

    if not torch.cuda.is_available():
        built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "torch is built without CUDA"
        yield CheckResult("CUDA", "ok", f"{built}, and finds no GPU: enough for small networks")
    else:
        cudnn: Any = torch.backends.cudnn
        libraries = f"CUDA {torch.version.cuda}, cuDNN {cudnn.version()}, NCCL {_nccl()}"
        yield CheckResult("CUDA", "ok", libraries)
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        capability, built_for = (properties.major, properties.minor), torch.cuda.get_arch_list()
        if not is_built_for(capability, built_for):
            own = f"{properties.name} is sm_{properties.major}{properties.minor}"
            found = f"{own}; torch is built for {', '.join(built_for)}"
            advice = "install a torch that is built for this GPU, or set `compute.device: cpu`"
            yield CheckResult(f"GPU {index}", "problem", found, advice)
            continue
        free, total = torch.cuda.mem_get_info(index)
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        found = f"{properties.name}, {free / GB:.0f} of {total / GB:.0f} GB free, {'bf16' if bf16 else 'no bf16'}"
        yield result(f"GPU {index}", found, "training runs in fp32", wrong=not bf16)


def products(root: Path) -> Iterator[CheckResult]:
    """Multiply two matrices on the CPU and on each GPU, and compare the products with those in fp64."""
    import torch

    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)]
    for device in ("cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])):
        generator = torch.Generator().manual_seed(0)
        left, right = (torch.randn(SIZE, SIZE, generator=generator) for _ in range(2))
        try:
            product = (left.to(device) @ right.to(device)).cpu().double()
        except RuntimeError as error:  # of CUDA or MPS
            advice = "update the driver, or set `compute.device: cpu`"
            yield CheckResult(f"product on {device}", "problem", one_line(error), advice)
            continue
        exact = left.double() @ right.double()
        relative = float((product - exact).abs().max() / exact.abs().max())
        wrong = not relative < TOLERANCE  # also where it is NaN
        advice = "this device calculates wrongly: do not use it"
        found = f"relative error {relative:.0e}"
        yield result(f"product on {device}", found, advice, wrong=wrong, state="problem")


def stages(root: Path) -> Iterator[CheckResult]:
    """Count the stages that are not up to date, as `breathline plan` does."""
    from flows import graph
    from flows import plan as plans

    steps = plans.plan(graph.read(root), targets=(), force=())
    running = sum(step.runs for step in steps)
    yield CheckResult("stages", "ok", f"{len(steps) - running} of {len(steps)} are up to date (`breathline plan`)")


def is_built_for(capability: tuple[int, int], built_for: Sequence[str]) -> bool:
    """Return whether a build of torch has code for a GPU.

    Code of an architecture (``sm_80``) runs on GPUs of the same major number from its minor number on. An intermediate
    form (``compute_90``) is compiled for every newer GPU.

    Args:
        capability: Compute capability of the GPU, as major and minor number.
        built_for: Architectures of the build, as `torch.cuda.get_arch_list` returns them.
    """
    for name in built_for:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", name)
        if match is None:
            continue
        kind, architecture = match[1], (int(match[2]), int(match[3]))
        if architecture <= capability and (kind == "compute" or architecture[0] == capability[0]):
            return True
    return False


def _nccl() -> str:
    import torch

    nccl: Any = torch.cuda.nccl
    version = nccl.version() if torch.distributed.is_nccl_available() else None
    return ".".join(map(str, version)) if version else "none"


CHECKS = (imports, gpus, products, stages)
