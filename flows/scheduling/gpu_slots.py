"""GPU slots: a limit for the stages that use a GPU on this machine, and the GPU of each.

A slot is a file lock that all runs on the machine share, of every user and project. The lock ends with its process.
`meta: {gpu: true}` in dvc.yaml marks a stage that needs a slot.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.runtime import params

POLL_S = 0.2
TRAININGS = ("train_teacher@", "train_student@")


@dataclass(frozen=True)
class GpuSlots:
    """GPU slots of this machine.

    Attributes:
        count: Maximum number of slots in use at once; None without a GPU, which means no limit.
        devices: Names of the GPUs, as CUDA knows them; slots share them in turn if there are fewer GPUs than slots.
        folder: Folder of the lock files.
    """

    count: int | None
    devices: tuple[str, ...] = ()
    folder: Path = Path(tempfile.gettempdir()) / "breathline-gpu"

    @contextmanager
    def acquire(self, number: int = 1) -> Iterator[dict[str, str]]:
        """Wait for some slots and yield the environment in which a stage sees their GPUs alone.

        Args:
            number: Number of slots, 0 or more; a number above `count` means all slots.
        """
        if self.count is None or not number:
            yield {}
            return
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self.folder.chmod(0o777)  # other users of the machine share the slots
        with ExitStack() as held:
            with self._lock("turn"):
                # One stage at a time collects its slots: two stages that each held a part would wait for ever.
                slots: list[int] = []
                while len(slots) < min(number, self.count):
                    free = (slot for slot in range(self.count) if slot not in slots and self._take(slot, held))
                    if (slot := next(free, None)) is None:
                        time.sleep(POLL_S)
                    else:
                        slots.append(slot)
            chosen = [self.devices[slot % len(self.devices)] for slot in slots] if self.devices else []
            yield {"CUDA_VISIBLE_DEVICES": ",".join(dict.fromkeys(chosen))} if chosen else {}

    def _take(self, slot: int, held: ExitStack) -> bool:
        try:
            held.enter_context(self._lock(str(slot)).acquire(timeout=0))
        except Timeout:
            return False
        return True

    def _lock(self, name: str) -> FileLock:
        # A new object each time, so that threads of one run exclude each other; other users may lock the file, too.
        return FileLock(self.folder / f"{name}.lock", mode=0o666, thread_local=False)


def slots_needed(stage: str, root: Path) -> int:
    """Return the number of slots of a stage that uses a GPU: one per process of a training, else one."""
    settings = root / params.PARAMS
    if not stage.startswith(TRAININGS) or not settings.exists():
        return 1
    return int(params.read(settings).get("compute", {}).get("processes", 1))


def local_slots(count: int | None) -> GpuSlots:
    """Return the GPU slots of this machine.

    Args:
        count: Maximum number of slots in use at once; None for one slot per GPU.
    """
    devices = visible_devices()
    return GpuSlots(count if count is not None else len(devices) or None, devices)


@cache
def visible_devices() -> tuple[str, ...]:
    """Return the GPUs that this process may use: those of ``CUDA_VISIBLE_DEVICES``, or all that the driver lists."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(name.strip() for name in visible.split(",") if name.strip() not in ("", "-1"))
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    if shutil.which(command[0]) is None:
        return ()
    done = subprocess.run(  # noqa: S603 - fixed arguments
        command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=30
    )
    return tuple(done.stdout.split()) if done.returncode == 0 else ()
