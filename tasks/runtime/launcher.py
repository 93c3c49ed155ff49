"""Variables by which torchrun tells a process its place among the processes of a training.

Variables of an earlier training may be left over in a shell. Some of them alone are no launcher: a training that
believed them would wait for processes that nobody starts. Variables of SLURM are never read.
"""

import os
from dataclasses import dataclass

from tasks.runtime.errors import BreathlineError

VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")


@dataclass(frozen=True)
class Place:
    """Place of this process among the processes of a training."""

    rank: int = 0  # number of this process, from 0
    local_rank: int = 0  # number on this machine, from 0
    size: int = 1  # number of processes


def place() -> Place:
    """Return the place of this process; without torchrun, that of a single process.

    Raises:
        BreathlineError: A variable of torchrun is no number.
    """
    if missing():
        return Place()
    try:
        return Place(*(int(os.environ[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")))
    except ValueError as error:
        hint = f"start the training with torchrun, or `unset {' '.join(VARIABLES)}`"
        raise BreathlineError(f"A variable of torchrun is no number: {error}.", where=describe(), hint=hint) from error


def missing() -> list[str]:
    """Return the variables that torchrun sets and this process does not have."""
    return [name for name in VARIABLES if not os.environ.get(name)]


def describe_leftovers() -> str | None:
    """Return a note about variables of several processes that no launcher has set; None if there are none."""
    several = os.environ.get("RANK", "0") != "0" or os.environ.get("WORLD_SIZE", "1") != "1"
    if not several or not missing():
        return None
    found = [name for name in VARIABLES if name in os.environ]
    are = "is" if len(found) == 1 else "are"
    return (
        f"{describe()} {are} set, but not {', '.join(missing())}: torchrun did not start this process. "
        f"The training runs in one process. `unset {' '.join(found)}` ends this note."
    )


def describe() -> str:
    """Return the variables of torchrun that are set, with their values."""
    return ", ".join(f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ)
