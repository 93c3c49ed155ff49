"""Cores and memory of this machine and this process, on Linux and macOS, also within a container."""

import os
import platform
import subprocess
import sys
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")  # Linux only
# Numbers of a processor's kind in CPU_INFO, on x86 and on ARM. Names of virtual machines do not tell kinds apart.
CPU_KIND = ("cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant", "CPU revision")
CGROUP = Path("/sys/fs/cgroup")  # limits of a container (cgroup v2), Linux only
CPU_NAME = ("sysctl", "-n", "machdep.cpu.brand_string")  # macOS only


def usable_cores() -> int:
    """Return the number of processor cores that this process may use; without such a limit, of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_quota() -> float | None:
    """Return the number of cores whose time a container may use; None without a limit."""
    try:
        limit, period = (CGROUP / "cpu.max").read_text(encoding="ascii").split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        return None


def cpu_name() -> str:
    """Return the name of the processor or of its architecture, with the numbers of its kind where the system has them.

    An example is `AMD EPYC, family 26, model 2, stepping 1`.
    """
    try:
        first_core = CPU_INFO.read_text(encoding="utf-8").strip().partition("\n\n")[0]
    except OSError:
        first_core = ""
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first_core.splitlines())}
    kind = [f"{key.lower().removeprefix('cpu ')} {facts[key]}" for key in CPU_KIND if facts.get(key)]
    if kind or facts.get("model name"):
        return ", ".join([facts.get("model name") or platform.machine(), *kind])
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            CPU_NAME, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except OSError:
        return platform.processor() or platform.machine()
    return done.stdout.strip() or platform.processor() or platform.machine()


def total_memory() -> int:
    """Return the memory of this machine in bytes."""
    import psutil

    return int(psutil.virtual_memory().total)


def free_memory() -> int:
    """Return the memory in bytes that new work can take without swapping, also within the limit of a container."""
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        limit, used = (int((CGROUP / f"memory.{name}").read_text(encoding="ascii")) for name in ("max", "current"))
    except (OSError, ValueError):  # no container, or "max" for no limit
        return free
    return min(free, limit - used)


def peak_memory(*, of_children: bool = False) -> int:
    """Return the peak memory of this process, or of the largest of its ended children, in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS gives bytes, Linux kilobytes
