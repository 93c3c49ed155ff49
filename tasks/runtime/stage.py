"""Context of a stage's ``main``: a lock for one writer, the record, and errors for the user."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from tasks.runtime import garbage, pydantic_plugins, text_streams
from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.error_output import print_error
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.runtime.hooks import hooks
from tasks.runtime.parent_death import terminate_with_parent

if TYPE_CHECKING:
    from rich.console import Console

LOCKS = Path(".locks")
LINE = "%(asctime)s %(levelname)-8s %(message)s"


@contextmanager
def stage(name: str, decisions: Mapping[str, Any] | None = None, *, rank: int = 0) -> Iterator[logging.Logger]:
    """Run a stage's work under a lock of its own, and yield its logger.

    The lock refuses a second process of the same stage. The process ends with its parent, so that a killed ``dvc``
    leaves no writer behind. An error is shown by `print_error`, and ends the process with its status. A
    `TransientError` also leaves the file `transient_mark`, because DVC reports only that the stage failed.

    Args:
        name: Name of the stage in DVC.
        decisions: Mapping that the work fills with its decisions (JSON values), for the record of the stage.
        rank: Number of this process among the processes of the stage. Only the first, 0, logs and records.
    """
    start_process(logging.INFO if rank == 0 else logging.WARNING)
    try:
        with disk_errors(), _locked(name, rank), _recorded(name, rank, {} if decisions is None else decisions):
            yield logging.getLogger(name)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - none is shown with a traceback
        if isinstance(error, TransientError):
            transient_mark(name).touch()
        sys.exit(print_error(error, f"{name} failed"))


@contextmanager
def _locked(name: str, rank: int) -> Iterator[None]:
    """Hold the lock of a stage, and remove the mark of an earlier failure."""
    transient_mark(name).unlink(missing_ok=True)
    LOCKS.mkdir(exist_ok=True)
    # torchrun starts several processes for one stage: each has a lock of its own.
    lock = FileLock(LOCKS / f"{name.replace('/', '_')}{f'.{rank}' if rank else ''}.lock")
    try:
        held = lock.acquire(timeout=0)
    except Timeout as error:
        raise BreathlineError(
            f"Another process is running the stage {name}.",
            where=lock.lock_file,
            hint="wait for it, or end it; the lock ends with its process",
        ) from error
    with held:
        yield


def transient_mark(name: str) -> Path:
    """Return the path of the file that marks a transient failure of a stage."""
    return LOCKS / f"{name.replace('/', '_')}.transient"


def _recorded(name: str, rank: int, decisions: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Return the context that records the stage: an empty one without a recorder and outside of a project."""
    if hooks.recorder is None or rank != 0 or not Path("dvc.yaml").exists():
        return nullcontext()
    return hooks.recorder(Path.cwd(), name, decisions)


@cache
def console() -> "Console":
    """Return the console of standard error."""
    from tasks.runtime.consoles import make_console  # the import of rich takes 0.02 s

    return make_console(stderr=True)


def start_process(level: int) -> None:
    """Set up logging of a lowest level to the console, the end with the parent process, and a fast exit."""
    garbage.skip_at_exit()
    pydantic_plugins.disable()
    text_streams.set_up()
    if text_streams.may_be_terminal() and console().is_terminal:
        from rich.logging import RichHandler

        handlers = [RichHandler(console=console(), show_path=False)]
        logging.basicConfig(level=level, format="%(message)s", handlers=handlers)
    else:  # a table of rich would fold long messages, or fill short ones with spaces
        logging.basicConfig(level=level, format=LINE, datefmt="%Y-%m-%d %H:%M:%S")
    terminate_with_parent()
