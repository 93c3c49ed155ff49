"""Progress of a training: a bar on a terminal, and a log line per epoch."""

from __future__ import annotations

import logging
import math
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Task as Bar
from rich.text import Text

from models.training.loop import Epoch
from models.training.throughput import Throughput


class Speed(ProgressColumn):
    """Column of the speed in clips per second."""

    def render(self, task: Bar) -> Text:
        """Return the speed, or an empty text as long as it is unknown."""
        return Text(f"{task.speed:.0f} clips/s" if task.speed else "")


class TrainingProgress:
    """Context with the callbacks `on_batch` and `on_epoch` of `models.training.loop.fit`."""

    def __init__(self, epochs: int, console: Console, log: logging.Logger) -> None:
        self._epochs, self._log = epochs, log
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Speed(), TimeElapsedColumn())
        last = TextColumn("{task.fields[last]}")
        self._progress = Progress(*columns, last, console=console, disable=not console.is_terminal, transient=True)
        self._bar = self._progress.add_task("", last="")
        self._phase: tuple[int, str] | None = None

    def __enter__(self) -> TrainingProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def on_batch(self, epoch: int, phase: str, done: int, total: int) -> None:
        """Move the bar; reset it for every phase of an epoch.

        Args:
            epoch: Number of the epoch, from 1.
            phase: Phase of the epoch, such as training.
            done: Number of finished cycles of the phase.
            total: Number of all cycles of the phase.
        """
        if self._phase != (epoch, phase):
            self._phase = epoch, phase
            self._progress.reset(self._bar, description=f"epoch {epoch}/{self._epochs} {phase}", total=total)
        self._progress.update(self._bar, completed=done)

    def on_epoch(self, epoch: Epoch) -> None:
        """Log an epoch, and show its loss and Score beside the bar."""
        row = epoch.row
        loss, score = f"loss {row['train_loss']:.3f}", f"val Score {row['val_score_strict']:.1f} strict"
        self._log.info(
            "epoch %d/%d  %s  %s, %.1f lenient (Sp %.1f, Se %.1f)  %s",
            row["epoch"],
            self._epochs,
            loss,
            score,
            row["val_score_lenient"],
            row["val_sp"],
            row["val_se_strict"],
            _speed(epoch.speed),
        )
        self._progress.update(self._bar, last=f"{loss}  {score}")


def _speed(speed: Throughput | None) -> str:
    """Return the speed of an epoch in words; after an interruption, an epoch may have no steps left."""
    if speed is None:
        return "trained before"
    work = f"{speed.flops_per_s / 1e9:.3g} GFLOP/s"
    if math.isnan(speed.flops_per_s):
        work = "operations not counted"
    elif speed.utilisation is not None:
        work = f"{speed.utilisation:.1%} of the peak rate"
    return f"{speed.clips_per_s:.0f} clips/s, {speed.step_ms:.3g} ms a step, {work}"
