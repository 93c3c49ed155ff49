"""Problems of a user's recordings, collected so that one message names all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import natural
from tasks.runtime.words import counted

SHOWN = 20  # problems in the message; the others are in a file
ROWS = 6  # row numbers that a problem names


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Problem with its place and a way out.

    Attributes:
        path: File, folder or option at fault.
        line: Line or row of the file, from 1; None for the whole file.
        what: The fault, as a clause.
        hint: The next step, as a clause.
    """

    path: str
    line: int | None
    what: str
    hint: str

    @property
    def text(self) -> str:
        """Return the problem as one line."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.what}; {self.hint}"


@dataclass
class Problems:
    """Collection of problems, each once."""

    found: dict[Problem, None] = field(default_factory=dict)

    def add(self, path: Path | str, what: str, hint: str, *, line: int | None = None) -> None:
        """Add a problem; see `Problem`."""
        self.found[Problem(path=str(path), line=line, what=what, hint=hint)] = None

    def add_error(self, error: BreathlineError, path: Path | str) -> None:
        """Add the problem that an error names."""
        self.add(path if error.where is None else str(error.where), error.what.rstrip("."), error.hint or "correct it")

    def sorted(self) -> list[Problem]:
        """Return the problems by path and line; those of whole files come first."""
        return sorted(self.found, key=lambda one: (natural(one.path), one.line or 0))

    def refuse(self, rest: Path) -> None:
        """Raise an error that names the problems; those beyond the first `SHOWN` are written to a file.

        Args:
            rest: Path of the file with all problems, which is written only if there are more than `SHOWN`.

        Raises:
            BreathlineError: There are problems.
        """
        lines = [problem.text for problem in self.sorted()]
        if not lines:
            return
        shown = [f"  - {line}" for line in lines[:SHOWN]]
        if len(lines) > SHOWN:
            rest.parent.mkdir(parents=True, exist_ok=True)
            rest.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            shown.append(f"  … and {len(lines) - SHOWN} more: {rest} lists all")
        raise BreathlineError(
            f"The recordings have {counted(len(lines), 'problem')}; nothing was written to params.yaml:\n"
            + "\n".join(shown),
            hint="correct them, then run the command again",
        )


def rows(numbers: Sequence[int]) -> str:
    """Return row numbers for a message."""
    shown = ", ".join(map(str, numbers[:ROWS]))
    more = f" and {len(numbers) - ROWS} more" if len(numbers) > ROWS else ""
    return f"row{'' if len(numbers) == 1 else 's'} {shown}{more}"
