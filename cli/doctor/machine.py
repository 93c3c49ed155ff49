"""Checks of the machine and the installed packages."""

import importlib
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from cli.doctor.check_result import CheckResult
from tasks.runtime.hardware import free_memory, usable_cores

GB = 10**9
PYTHONS = ((3, 11), (3, 14))


def checks(root: Path) -> Iterator[CheckResult]:
    """Yield the results for Python, the environment, packages, GPUs, cores and memory."""
    yield python()
    yield environment(root)
    yield from torch_family()
    yield from gpus()
    yield from cores_and_memory()
    yield locked_versions(root / "requirements.lock")


def python() -> CheckResult:
    """Check that the project supports this version of Python."""
    found = f"{sys.version.split()[0]} at {sys.executable}"
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        return CheckResult("Python", "ok", found)
    return CheckResult("Python", "missing", found, "use Python 3.11, 3.12 or 3.13: `make setup PYTHON=python3.12`")


def environment(root: Path) -> CheckResult:
    """Check that the environment is that of the project, also for the `python` of a stage."""
    own = Path(sys.prefix)
    first = shutil.which("python")
    if own != (root / ".venv"):
        return CheckResult("environment", "unusual", str(own), "`make setup` builds the locked one in .venv")
    if first is None or Path(first).parent != own / "bin":
        advice = 'for `dvc repro` by hand: export PATH="$PWD/.venv/bin:$PATH" (make and `breathline run` do it)'
        return CheckResult("environment", "unusual", f"{own}, but `python` is {first}", advice)
    return CheckResult("environment", "ok", str(own))


def torch_family() -> Iterator[CheckResult]:
    """Check that torch and the packages built against it can be imported: only an import shows a wrong pairing."""
    for name in ("torch", "torchaudio", "torchvision", "timm"):
        try:
            module = importlib.import_module(name)
        # A broken binary raises errors of any kind: OSError, RuntimeError, AttributeError.
        except Exception as error:
            found = f"{type(error).__name__}: {error}".splitlines()[0]
            yield CheckResult(name, "missing", found, "the builds do not fit together: `rm -rf .venv && make setup`")
        else:
            yield CheckResult(name, "ok", str(module.__version__))


def gpus() -> Iterator[CheckResult]:
    """Check the GPUs that torch can use: memory and bf16."""
    try:
        import torch
    except Exception as error:
        yield CheckResult("GPU", "unusual", f"unknown: torch cannot be imported ({type(error).__name__})")
        return
    if not torch.cuda.is_available():
        advice = "" if torch.version.cuda is None else "sufficient for the demo and real-cpu; large networks need a GPU"
        yield CheckResult("GPU", "ok", "none; training runs on the CPU", advice)
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        found = f"{properties.name}, {properties.total_memory / GB:.0f} GB, {'bf16' if bf16 else 'no bf16'}"
        yield CheckResult(f"GPU {index}", "ok" if bf16 else "unusual", found, "" if bf16 else "training runs in fp32")


def cores_and_memory() -> Iterator[CheckResult]:
    """Check the number of CPU cores and the free memory."""
    cores = usable_cores()
    few = cores < 2
    yield CheckResult("CPU cores", "unusual" if few else "ok", str(cores), "runs will be slow" if few else "")
    memory = free_memory() / GB
    short = memory < 4
    advice = "free some memory: each of the `--jobs` processes takes 2 to 3 GB for training" if short else ""
    yield CheckResult("memory", "unusual" if short else "ok", f"{memory:.1f} GB free", advice)


def locked_versions(lock: Path) -> CheckResult:
    """Compare the installed versions with requirements.lock."""
    from packaging.requirements import Requirement

    if not lock.is_file():
        return CheckResult("locked versions", "missing", f"{lock.name} is missing", "run in the project's root")
    lines = lock.read_text(encoding="utf-8").splitlines()
    locked = [Requirement(line.rstrip("\\ ")) for line in lines if line and line[0].isalnum()]
    applicable = [item for item in locked if item.marker is None or item.marker.evaluate()]
    absent, other = [], []
    for item in applicable:
        try:
            version = metadata.version(item.name)
        except metadata.PackageNotFoundError:
            absent.append(item.name)
        else:
            if not item.specifier.contains(version, prereleases=True):
                other.append(f"{item.name} {version} (locked {item.specifier})")
    if absent:
        return CheckResult("locked versions", "missing", f"not installed: {', '.join(absent)}", "`make setup`")
    if other:
        return CheckResult("locked versions", "unusual", "; ".join(other), "install the locked versions: `make setup`")
    return CheckResult("locked versions", "ok", f"all {len(applicable)} as locked")
