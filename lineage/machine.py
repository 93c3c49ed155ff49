"""Facts of the machine for the event log: user, host, hardware, resources used. They change from run to run."""

import os
import platform
import shutil
import socket
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.runtime import users
from tasks.runtime.hardware import cpu_name, peak_memory, total_memory

GPU_FACTS = ("name", "uuid", "driver_version", "memory.total", "pstate")
MB = 2**20
BOOT = Path("/proc/sys/kernel/random/boot_id")  # UUID of the time since the machine started; only on Linux
DVC_DISTANCE = 3  # processes between a stage and DVC: a shell, and a launcher of Python
COMMAND_PARTS = 3  # parts of a command that can name its program: `python -m dvc`


def identity() -> dict[str, Any]:
    """Return user, host and process, and the flow run and the run of DVC where there are such."""
    return {
        "user": users.own_name(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started_by": "dvc" if "DVC_STAGE" in os.environ else "hand",
        "flow_run": os.environ.get("BREATHLINE_FLOW_RUN"),
        "dvc_run": dvc_run() if "DVC_STAGE" in os.environ else None,
    }


def dvc_run() -> str | None:
    """Return a UUID of the DVC command that started this process, equal for all its stages; None without one."""
    import psutil

    boot = BOOT.read_text(encoding="utf-8") if BOOT.is_file() else ""
    with suppress(psutil.Error):
        for parent in psutil.Process().parents()[:DVC_DISTANCE]:
            if any(Path(part).name.startswith("dvc") for part in parent.cmdline()[:COMMAND_PARTS]):
                # The hash is that of the process's id and its start since boot, which no change of the clock moves.
                return str(uuid.uuid5(uuid.NAMESPACE_URL, f"dvc:{socket.gethostname()}:{boot}:{hash(parent)}"))
    return None


def hardware() -> dict[str, Any]:
    """Return system, CPU, memory in MB, and the driver's facts of each GPU."""
    return {
        "system": platform.platform(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "memory_mb": total_memory() // MB,
        "gpus": gpus(),
    }


def same_processor(one: str, other: str) -> bool:
    """Return whether two logged names of processors are equal; a name without numbers of its kind has any kind.

    The log had such names before version 0.2.0: `AMD EPYC` is equal to `AMD EPYC, family 26, model 2, stepping 1`.
    """
    return one == other or one.startswith(f"{other}, ") or other.startswith(f"{one}, ")


def gpus(*facts: str) -> list[dict[str, str]]:
    """Return facts of each GPU by their names in `nvidia-smi --query-gpu`; none without a driver."""
    asked = facts or GPU_FACTS
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={','.join(asked)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(  # noqa: S603 - names of facts, as fixed in this module
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=20
        )
    except subprocess.TimeoutExpired:
        return []
    if done.returncode:
        return []
    return [dict(zip(asked, map(str.strip, line.split(",")), strict=True)) for line in done.stdout.splitlines()]


def determinism() -> dict[str, Any]:
    """Return torch's flags of determinism; none if torch was not imported."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    return {
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda if torch.cuda.is_initialized() else None,
        "cudnn": torch.backends.cudnn.version() if torch.cuda.is_initialized() else None,
        "tf32": bool(torch.backends.cuda.matmul.allow_tf32),
        "cudnn_benchmark": bool(torch.backends.cudnn.benchmark),
    }


def resource_usage() -> dict[str, Any]:
    """Return the peak memory in MB of this process, of its largest child, and of torch on a GPU."""
    found = {"peak_memory_mb": peak_memory() // MB, "peak_memory_of_a_child_mb": peak_memory(of_children=True) // MB}
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        found["peak_gpu_memory_mb"] = torch.cuda.max_memory_allocated() // MB
    return found


class Energy:
    """Energy that the GPUs use, measured by the counters of NVML (millijoules) where a GPU has one."""

    def __init__(self) -> None:
        self._before = self._counters()

    def joules(self) -> float | None:
        """Return the energy of all GPUs since the start, in joules; None without counters."""
        after = self._counters()
        if not after or len(after) != len(self._before):
            return None
        return round(sum(after) - sum(self._before), 1) / 1000

    @staticmethod
    def _counters() -> list[float]:
        try:
            import pynvml
        except ImportError:
            return []
        try:
            pynvml.nvmlInit()
            handles = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
            return [float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) for handle in handles]
        except pynvml.NVMLError:
            return []
