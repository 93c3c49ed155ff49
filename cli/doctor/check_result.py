"""Results of the checks of `breathline doctor`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class CheckResult:
    """Result of one check, in words; the state `problem` makes the command end with status 1."""

    topic: str
    state: State
    found: str
    advice: str = ""


Check = Callable[[Path], Iterator[CheckResult]]


def run(checks: Sequence[Check], root: Path) -> Iterator[CheckResult]:
    """Yield the results of checks of a folder; a check that fails is a result itself, and the others still run."""
    for check in checks:
        topic = check.__name__.replace("_", " ")
        try:
            yield from check(root)
        except BreathlineError as error:
            yield refused(topic, error)
        except Exception as error:  # noqa: BLE001 - a machine that is not in order raises any
            yield CheckResult(topic, "problem", f"cannot be checked: {one_line(error)}")


def refused(topic: str, error: BreathlineError, state: State = "problem") -> CheckResult:
    """Return the result that an error stands for."""
    where = "" if error.where is None else f" ({error.where})"
    return CheckResult(topic, state, f"{error.what}{where}", error.hint or "")


def result(topic: str, found: str, advice: str = "", *, wrong: bool, state: State = "warning") -> CheckResult:
    """Return an ok result, or a warning (or another state) with its advice if something is wrong."""
    return CheckResult(topic, state, found, advice) if wrong else CheckResult(topic, "ok", found)
