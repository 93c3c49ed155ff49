"""Checks of the machine: cores, memory, GPUs by their driver, disks, temporary files, modes of new files, clock."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.doctor.check_result import CheckResult, result
from lineage import dvc_storage
from lineage.git import ask_git
from tasks.artifacts import DATA
from tasks.runtime.hardware import cpu_quota, free_memory, usable_cores

GB = 10**9
LEAST_MEMORY_GB = 4
LEAST_TEMPORARY_GB = 1
LEAST_INODES = 20_000  # a run of a complete corpus makes some thousands of files
CHECKPOINTS = Path(".checkpoints")


def cores(root: Path) -> Iterator[CheckResult]:
    """Check the number of CPU cores that this process may use."""
    usable, present = usable_cores(), os.cpu_count() or 1
    quota = cpu_quota()
    found = f"{usable} of {present} usable" if usable < present else str(present)
    found += f", limited to the time of {quota:g}" if quota and quota < usable else ""
    advice = "runs will be slow; `--jobs` should not exceed the number of cores"
    yield result("CPU cores", found, advice, wrong=min(usable, quota or usable) < 2)


def memory(root: Path) -> Iterator[CheckResult]:
    """Check the memory that is free, also within the limit of a container."""
    free = free_memory()
    advice = "free some memory: each of the `--jobs` processes takes 2 to 3 GB for training"
    yield result("memory", f"{free / GB:.1f} GB free", advice, wrong=free < LEAST_MEMORY_GB * GB)


def gpus(root: Path) -> Iterator[CheckResult]:
    """Name the GPUs that the driver of NVIDIA knows; `--deep` checks whether torch can use them."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
        sizes = [pynvml.nvmlDeviceGetMemoryInfo(one).total / GB for one in handles]
        names = [f"{pynvml.nvmlDeviceGetName(one)}, {size:.0f} GB" for one, size in zip(handles, sizes, strict=True)]
        driver = pynvml.nvmlSystemGetDriverVersion()
    except pynvml.NVMLError:
        yield CheckResult("GPUs", "ok", "no GPU of NVIDIA; training runs on the CPU, or on another GPU (--deep)")
        return
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = f"{'; '.join(names) or 'none'}; driver {driver}"
    advice = f"`unset CUDA_VISIBLE_DEVICES` (now {hidden!r}) if a GPU is to be used"
    yield result("GPUs", found, advice, wrong=bool(names) and hidden in ("", "-1"))


def disks(root: Path) -> Iterator[CheckResult]:
    """Check free space and free inodes where data, DVC's cache and checkpoints are, disk by disk."""
    folders = {
        DATA.as_posix(): root / DATA,
        ".dvc/cache": dvc_storage.cache_of(root).objects,
        CHECKPOINTS.as_posix(): root / CHECKPOINTS,
    }
    by_disk: dict[int, list[str]] = {}
    places = {name: next(filter(Path.exists, (folder, *folder.parents))) for name, folder in folders.items()}
    for name, place in places.items():
        by_disk.setdefault(place.stat().st_dev, []).append(name)
    needed, corpus = _needed_gb(root)
    for names in by_disk.values():
        place = places[names[0]]
        free, inodes = shutil.disk_usage(place).free / GB, os.statvfs(place)
        # A share of the need for each place; data and cache take the same.
        wanted = needed * sum(name != CHECKPOINTS.as_posix() for name in names) / 2
        found = f"{free:.1f} GB free for {', '.join(names)}"
        found += f"; the recordings of {corpus} take about {wanted:g} GB there" if corpus else ""
        advice = "free some space, or put DVC's cache elsewhere: `dvc cache dir`"
        yield result("disk", found, advice, wrong=free < wanted, state="problem")
        few = bool(inodes.f_files) and inodes.f_favail < LEAST_INODES
        if few:
            found = f"{inodes.f_favail} of {inodes.f_files} inodes free for {', '.join(names)}"
            yield CheckResult("inodes", "problem", found, "remove small files, or use another disk")


def temporary_files(root: Path) -> Iterator[CheckResult]:
    """Check that the folder of temporary files exists, is writable and has space."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError as error:
        yield CheckResult("temporary files", "problem", str(error), "set TMPDIR to a folder that you can write")
        return
    free = shutil.disk_usage(folder).free
    found, advice = f"{folder}: {free / GB:.1f} GB free", "free some space there, or set TMPDIR"
    named = os.environ.get("TMPDIR")
    unused = named is not None and os.path.abspath(named) != folder
    if unused:
        found, advice = f"{found}; TMPDIR={named} is no folder that you can write", "correct or unset TMPDIR"
    yield result("temporary files", found, advice, wrong=unused or free < LEAST_TEMPORARY_GB * GB)


def umask(root: Path) -> Iterator[CheckResult]:
    """Check the modes of new files: readable by their owner, not writable by everyone."""
    mask = os.umask(0)
    os.umask(mask)
    if mask & 0o700:
        yield CheckResult("umask", "problem", f"{mask:04o}: you cannot use your own new files", "`umask 022`")
    else:
        advice = "`umask 022`, or 002 for a group that shares DVC's cache"
        wide = not mask & 0o002
        yield result("umask", f"{mask:04o}" + (": everyone may change new files" if wide else ""), advice, wrong=wide)


def clock(root: Path) -> Iterator[CheckResult]:
    """Compare the clock with the last commit: downloads, certificates and schedules need the right time."""
    now = datetime.now(UTC)
    local = now.astimezone()
    found = f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
    committed = ask_git(root, "log", "-1", "--format=%ct")
    last = datetime.fromtimestamp(int(committed), UTC) if committed else now
    if now < last - timedelta(hours=1):
        found += f", before the last commit ({last:%Y-%m-%d %H:%M} UTC)"
    elif now > last + timedelta(days=3650):
        found += f", more than ten years after the last commit ({last:%Y-%m-%d})"
    yield result("clock", found, "set the clock: `timedatectl set-ntp true`", wrong="commit" in found)


def _needed_gb(root: Path) -> tuple[float, str]:
    """Return the space that the corpora of params.yaml take, in GB, and their names; nothing if they are not known."""
    from cli.doctor.project import corpora
    from tasks.corpora import registry
    from tasks.runtime.errors import BreathlineError

    needed = 0
    try:
        found = corpora(root)
        for settings in found.values():
            if settings.path is None:  # what is fetched takes its space twice for some time
                needed += 2 if registry.get(settings.format).generated else 20
            else:
                needed += 15
    except BreathlineError:  # another check names it
        return 0, ""
    return needed, " and ".join(corpus.name for corpus in found)


CHECKS = (cores, memory, gpus, disks, temporary_files, umask, clock)
