"""Printing of errors, the same for every command and every stage.

Standard library only: it also prints that a library is missing.
"""

import errno
import os
import re
import select
import shutil
import sys
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tasks.runtime.errors import BreathlineError

DEBUG = "BREATHLINE_DEBUG"
INTERRUPTED = 130  # 128 + SIGINT, as a shell counts
OUTPUT_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("breathline", "cli", "flows", "lineage", "tasks", "models")
LINE_START = re.compile(r" *(where: |next:  |\| )?")
RED, PLAIN = "\x1b[1;31m", "\x1b[0m"


def print_error(error: BaseException, subject: str = "Error") -> int:
    """Print an error to standard error and return the exit status of the process.

    Lines are wrapped at the width of a terminal; a file or a pipe gets whole lines. A traceback comes before them if
    `BREATHLINE_DEBUG` is 1.

    Args:
        error: Error that ends a command or a stage.
        subject: Name of the command or stage, as the start of the message.
    """
    if debugging():
        traceback.print_exception(error)
    if isinstance(error, BrokenPipeError) and _output_is_closed():
        return 1
    if isinstance(error, OSError) and error.filename is None and error.errno in OUTPUT_FAULTS:
        error = _output_error() or error
    if isinstance(error, KeyboardInterrupt):
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    _print(subject, error_text(error))
    return 1


def debugging() -> bool:
    """Return whether errors are shown with a traceback."""
    return os.environ.get(DEBUG) == "1"


def error_text(error: BaseException) -> str:
    """Return an error as text: what happened, where, and the next step, a line for each."""
    return str(for_users(error))


def for_users(error: BaseException) -> BreathlineError:
    """Return an error that has what, where and next; of an unexpected error they are its type and line of code."""
    if isinstance(error, BreathlineError):
        return error
    if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] not in PACKAGES:
        hint = "`make setup` installs the locked packages"
        return BreathlineError(f"The package {error.name} is not installed.", where=_place(error), hint=hint)
    from tasks.runtime.disk_errors import disk_error

    found = disk_error(error)
    if found is not None:
        return found
    kind = "".join(traceback.format_exception_only(error)).strip()
    hint = f"run the command again with {DEBUG}=1 to see the traceback, and report it"
    return BreathlineError(f"This is a defect of Breathline. {kind}", where=_place(error), hint=hint)


def one_line(error: BaseException) -> str:
    """Return an error as one line, for tables and lists."""
    if not isinstance(error, BreathlineError):
        return " ".join("".join(traceback.format_exception_only(error)).split())
    parts = {"where": error.where, "next": error.hint}
    details = "; ".join(f"{name}: {part}" for name, part in parts.items() if part is not None)
    return " ".join((f"{error.what} ({details})" if details else error.what).split())


def _place(error: BaseException) -> str:
    """Return the line of Breathline that raised the error, or that called the library which raised it."""
    frames = [*_frames(error.__traceback__)]
    own = [frame for frame in frames if frame.split("/")[0] in PACKAGES]
    if not own:
        return frames[-1] if frames else "unknown"
    return own[-1] if own[-1] == frames[-1] else f"{own[-1]} (raised in {frames[-1]})"


def _frames(trace: TracebackType | None) -> Iterator[str]:
    """Yield file and line of each frame; files of Breathline relative to its root, others to their library."""
    for frame, line in traceback.walk_tb(trace):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            path = path.relative_to(ROOT)
        if "site-packages" in path.parts:
            path = Path(*path.parts[path.parts.index("site-packages") + 1 :])
        yield f"{path.as_posix()}:{line}"


def _output_is_closed() -> bool:
    """Return whether the reader of standard output has gone; if so, let what is still buffered go nowhere."""
    with suppress(OSError):  # standard output is no file
        try:
            sys.stdout.flush()
            closed = _has_no_reader(sys.stdout.fileno())
        except BrokenPipeError:
            closed = True
        if closed:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return closed
    return False


def _output_error() -> BreathlineError | None:
    """Return the error of a standard output that cannot be written; what is still buffered then goes nowhere."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:  # standard output is no file
        return None
    try:
        os.write(descriptor, b"\n")  # a second flush would report nothing
    except OSError as error:
        where = "standard output"
        with suppress(OSError):  # macOS has no /proc
            where += f" ({os.readlink(f'/proc/self/fd/{descriptor}')})"
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        what = f"The output cannot be written: {error.strerror}."
        return BreathlineError(what, where=where, hint="send it to another file, or make room on its disk")
    return None


def _has_no_reader(descriptor: int) -> bool:
    """Return whether a file descriptor is a pipe that nobody reads, where the system can tell."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _print(subject: str, text: str) -> None:
    start = f"{subject}: "
    terminal = sys.stderr.isatty()
    lines = f"{start}{_visible(text)}".splitlines()
    if terminal:
        width = max(20, shutil.get_terminal_size().columns)
        lines = [part for line in lines for part in _wrap(line, width)]
        if not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
            lines[0] = f"{RED}{start[:-1]}{PLAIN}{lines[0][len(start) - 1 :]}"
    sys.stderr.write("\n".join(lines) + "\n")


def _wrap(line: str, width: int) -> list[str]:
    """Wrap a line below its own beginning. Paths stay whole, so that they can be copied."""
    start = LINE_START.match(line)
    beginning = start.group() if start else ""
    indent = beginning if "|" in beginning else " " * len(beginning)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]


def _visible(text: str) -> str:
    """Return a text in which control characters, such as a terminal's commands in a file name, are spelled out."""
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape", "surrogatepass").decode()
        for one in text
    )
