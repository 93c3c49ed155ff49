"""GPU slots: how many stages that use a GPU run at once on this machine, and which GPU each gets.

A slot is a file lock that all runs on the machine share, whoever starts them and in whichever project. It goes with its
process. `meta: {gpu: true}` in dvc.yaml says that a stage takes one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.runtime import params

POLL_S = 0.2
TRAININGS = ("train_teacher@", "train_student@")


@dataclass(frozen=True)
class Slots:
    """The slots of this machine.

    Attributes:
        count: How many stages may use a GPU at once; none: no limit, for there is no GPU.
        devices: The GPUs, by the names that CUDA knows them by; slots share them by turns where they are fewer.
        folder: Where the locks lie.
    """

    count: int | None
    devices: tuple[str, ...] = ()
    folder: Path = Path(tempfile.gettempdir()) / "breathline-gpu"

    @contextmanager
    def taken(self, wanted: int = 1) -> Iterator[dict[str, str]]:
        """Wait for some slots and yield the environment that leads a stage to their GPUs.

        Args:
            wanted: How many, none too; at most all there are.
        """
        if self.count is None or not wanted:
            yield {}
            return
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            self.folder.chmod(0o777)  # other users of the machine share the slots
        with ExitStack() as held:
            with self._lock("turn"):
                # Whose turn it is gathers all its slots; two stages that each held a part would wait for ever.
                slots: list[int] = []
                while len(slots) < min(wanted, self.count):
                    free = (slot for slot in range(self.count) if slot not in slots and self._take(slot, held))
                    if (slot := next(free, None)) is None:
                        time.sleep(POLL_S)
                    else:
                        slots.append(slot)
            chosen = [self.devices[slot % len(self.devices)] for slot in slots] if self.devices else []
            yield {"CUDA_VISIBLE_DEVICES": ",".join(dict.fromkeys(chosen))} if chosen else {}

    def _take(self, slot: int, held: ExitStack) -> bool:
        lock = self._lock(str(slot))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        held.callback(lock.release)
        return True

    def _lock(self, name: str) -> FileLock:
        # Each its own object: threads of one run keep each other out, too. Other users may take the same file.
        return FileLock(self.folder / f"{name}.lock", mode=0o666, thread_local=False)


def wanted(stage: str, root: Path) -> int:
    """Return how many slots a stage takes that uses a GPU: a training as many as it has processes, any other one."""
    settings = root / params.PARAMS
    if not stage.startswith(TRAININGS) or not settings.exists():
        return 1
    return int(params.read(settings).get("compute", {}).get("processes", 1))


def of_this_machine(count: int | None) -> Slots:
    """Return as many slots as are wanted, or one for each GPU.

    Args:
        count: How many GPU stages may run at once; none: as many as there are GPUs.
    """
    devices = visible_devices()
    return Slots(count if count is not None else len(devices) or None, devices)


@cache
def visible_devices() -> tuple[str, ...]:
    """Return the GPUs that this process may use: those of ``CUDA_VISIBLE_DEVICES``, or all that the driver tells of."""
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    if asked is not None:
        return tuple(name.strip() for name in asked.split(",") if name.strip() not in ("", "-1"))
    return _listed(["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"])


def _listed(command: Sequence[str]) -> tuple[str, ...]:
    if shutil.which(command[0]) is None:
        return ()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return tuple(done.stdout.split()) if done.returncode == 0 else ()
