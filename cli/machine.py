"""What `breathline doctor` finds out about the machine and the installed packages."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from tasks.runtime.parallel import usable_cores

GB = 10**9
PYTHONS = ((3, 11), (3, 14))


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table."""

    topic: str
    state: Literal["ok", "unusual", "missing"]
    found: str
    advice: str = ""


def findings(root: Path) -> Iterator[Finding]:
    """Yield what there is to say about Python, the packages, the GPU, cores and memory."""
    yield python()
    yield environment(root)
    yield from torch_family()
    yield from gpus()
    yield from size()
    yield locked_versions(root / "requirements.lock")


def python() -> Finding:
    """Whether this Python is one that the project supports."""
    found = f"{sys.version.split()[0]} at {sys.executable}"
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        return Finding("Python", "ok", found)
    return Finding("Python", "missing", found, "use Python 3.11, 3.12 or 3.13: `make setup PYTHON=python3.12`")


def environment(root: Path) -> Finding:
    """Whether this is the project's own environment, and what a stage's `python` would be."""
    own = Path(sys.prefix)
    first = shutil.which("python")
    if own != (root / ".venv"):
        return Finding("environment", "unusual", str(own), "`make setup` builds the locked one in .venv")
    if first is None or Path(first).parent != own / "bin":
        advice = 'for `dvc repro` by hand: export PATH="$PWD/.venv/bin:$PATH" (make and `breathline run` do it)'
        return Finding("environment", "unusual", f"{own}, but `python` is {first}", advice)
    return Finding("environment", "ok", str(own))


def torch_family() -> Iterator[Finding]:
    """Whether torch and what is built against it can be imported; a wrong pairing shows only then."""
    for name in ("torch", "torchaudio", "torchvision", "timm"):
        try:
            module = importlib.import_module(name)
        # A broken binary raises whatever it likes: OSError, RuntimeError, AttributeError.
        except Exception as error:
            found = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Finding(name, "missing", found, "the builds do not fit together: `rm -rf .venv && make setup`")
        else:
            yield Finding(name, "ok", str(module.__version__))


def gpus() -> Iterator[Finding]:
    """The GPUs that torch sees, with memory and bf16."""
    try:
        import torch
    except Exception as error:
        yield Finding("GPU", "unusual", f"unknown: torch cannot be imported ({type(error).__name__})")
        return
    if not torch.cuda.is_available():
        advice = "" if torch.version.cuda is None else "fine for the demo and real-cpu; large networks want one"
        yield Finding("GPU", "ok", "none; all runs on the CPU", advice)
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        found = f"{properties.name}, {properties.total_memory / GB:.0f} GB, {'bf16' if bf16 else 'no bf16'}"
        yield Finding(f"GPU {index}", "ok" if bf16 else "unusual", found, "" if bf16 else "training runs in fp32")


def size() -> Iterator[Finding]:
    """Cores and memory."""
    import psutil

    cores = usable_cores()
    few = cores < 2
    yield Finding("CPU cores", "unusual" if few else "ok", str(cores), "runs will be slow" if few else "")
    memory = psutil.virtual_memory().available / GB
    short = memory < 4
    advice = "close something: training takes 2 to 3 GB a process, and as many processes as `--jobs`" if short else ""
    yield Finding("memory", "unusual" if short else "ok", f"{memory:.1f} GB free", advice)


def locked_versions(lock: Path) -> Finding:
    """Whether the installed versions are those of requirements.lock."""
    from packaging.requirements import Requirement

    if not lock.is_file():
        return Finding("locked versions", "missing", f"{lock.name} is not here", "run in the project's root")
    lines = lock.read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line.rstrip("\\ ")) for line in lines if line and line[0].isalnum()]
    needed = [item for item in wanted if item.marker is None or item.marker.evaluate()]
    absent, other = [], []
    for item in needed:
        try:
            version = metadata.version(item.name)
        except metadata.PackageNotFoundError:
            absent.append(item.name)
        else:
            if not item.specifier.contains(version, prereleases=True):
                other.append(f"{item.name} {version} (locked {item.specifier})")
    if absent:
        return Finding("locked versions", "missing", f"not installed: {', '.join(absent)}", "`make setup`")
    if other:
        return Finding("locked versions", "unusual", "; ".join(other), "`make setup` installs the locked ones")
    return Finding("locked versions", "ok", f"all {len(needed)} as locked")
