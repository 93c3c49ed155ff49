"""State of a training for its checkpoints: everything that the next step depends on."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from models.training import checkpoint
from models.training.selection import TrainingResult

log = logging.getLogger(__name__)
SAVE_EVERY = 60.0  # seconds
SLOW_WRITE = 3.0  # seconds, 5 % of the interval; slower writes are made less often


class Stateful(Protocol):
    """Object with a state, such as a module or an optimiser."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state_dict: Any) -> Any:
        """Restore the state."""


@dataclass
class Position:
    """Position in a training."""

    loss: Tensor  # sum of the losses of the epoch's finished steps, a scalar on the training's device
    epoch: int = 1  # current epoch, from 1
    step: int = 0  # number of finished steps of the epoch
    rate: float = 0.0  # learning rate of the last step

    def next_epoch(self) -> None:
        """Move to the start of the next epoch."""
        self.epoch, self.step = self.epoch + 1, 0
        self.loss.zero_()


class Checkpointer:
    """Writer and reader of a training's checkpoints.

    Random numbers need no state: they are derived from seed and position (`models.training.randomness`). Parts are
    restored in the order of ``stateful``. Two checkpoints are ``every`` seconds apart, or more if writing one is slow.
    """

    def __init__(
        self,
        folder: Path,
        stateful: Mapping[str, Stateful],
        result: TrainingResult,
        position: Position,
        *,
        every: float,
    ) -> None:
        self._folder, self._stateful, self._result, self._position, self._every = (
            folder,
            stateful,
            result,
            position,
            every,
        )
        self._next = time.monotonic() + every

    def write(self) -> None:
        """Write everything that the next step depends on."""
        started, position, result = time.monotonic(), self._position, self._result
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._stateful.items()}
        state["position"] = vars(position)
        state["result"] = vars(result)
        checkpoint.write(self._folder, state)
        now = time.monotonic()
        self._next = now + self._every * max(1.0, (now - started) / SLOW_WRITE)

    @property
    def is_due(self) -> bool:
        """True if the interval since the last checkpoint has passed."""
        return time.monotonic() >= self._next

    def find(self) -> Path | None:
        """Return the newest intact checkpoint, or None; damaged ones are removed with a warning."""
        path, faults = checkpoint.find(self._folder)
        following = f"The training resumes from {path.name}." if path else "The training starts from its beginning."
        for fault in faults:
            log.warning("%s %s", fault, following)
        return path

    def restore(self, path: Path) -> None:
        """Restore a checkpoint that `find` has found."""
        state = checkpoint.read(path)
        for name, part in self._stateful.items():
            part.load_state_dict(state[name])
        position, stored = self._position, state["position"]
        position.epoch, position.step, position.rate = stored["epoch"], stored["step"], stored["rate"]
        position.loss.copy_(stored["loss"])
        self._result.states.update(state["result"]["states"])
        self._result.best.update(state["result"]["best"])
        self._result.history.extend(state["result"]["history"])
        self._result.first_losses.extend(state["result"]["first_losses"])
        log.info("Resumed after epoch %d and %d steps of the next.", position.epoch - 1, position.step)
