"""Failure of a stage, with the end of its log and the kinds of faults that may pass by themselves."""

import re
from collections.abc import Iterable
from typing import Literal

from tasks.runtime.errors import BreathlineError

Transient = Literal["busy", "network"]
# Names of the Prefect states that stand for transient faults.
TRANSIENT_STATES: dict[Transient, str] = {"busy": "DVC is busy", "network": "The network failed"}
# Messages of DVC when another DVC process holds its lock or a file that the stage needs.
BUSY_MESSAGES = ("is busy, it is being blocked by", "Unable to acquire lock")


class StageFailedError(BreathlineError):
    """A stage ended with an error; its message holds the end of the log.

    Attributes:
        transient: Kind of a fault that may pass without a change: `busy` (another process holds a lock that DVC
            needs) or `network`. None for every other fault, which is not worth another try.
    """

    def __init__(
        self, what: str, *, transient: Transient | None = None, where: object = None, hint: str | None = None
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.transient = transient

    @property
    def state_name(self) -> str:
        """Name of the Prefect state of a task or flow that ends with this failure."""
        return TRANSIENT_STATES[self.transient] if self.transient else "Failed"


def transient_of(state_name: str | None) -> Transient | None:
    """Return the kind of transient fault that the name of a Prefect state stands for."""
    return next((kind for kind, name in TRANSIENT_STATES.items() if name == state_name), None)


def is_busy(output: str) -> bool:
    """Return whether DVC failed because another DVC process holds a lock."""
    return any(message in output for message in BUSY_MESSAGES)


def errors_of_dvc(output: str) -> str:
    """Return the lines in which DVC itself reports an error, from its output or a quoted part of it."""
    return "\n".join(re.findall(r"^ *\|? *(ERROR: .*)$", output, re.MULTILINE))


def quote(lines: Iterable[str]) -> str:
    """Return lines of a log for an error message."""
    return "\n".join(f"  | {line}" for line in lines)
