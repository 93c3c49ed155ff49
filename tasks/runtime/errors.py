"""The errors that a user is meant to read."""

from __future__ import annotations


class BreathlineError(Exception):
    """Something that the user can mend: what is wrong, where, and what to do next.

    Args:
        what: What is wrong, as one sentence.
        where: The file, row or key at fault.
        hint: What to do next.
    """

    def __init__(self, what: str, *, where: object = None, hint: str | None = None) -> None:
        self.what, self.where, self.hint = what, where, hint
        lines = [what]
        if where is not None:
            lines.append(f"  where: {where}")
        if hint is not None:
            lines.append(f"  next:  {hint}")
        super().__init__("\n".join(lines))


class TransientError(BreathlineError):
    """What may go better later by itself, such as a server that does not answer: worth another try as it stands."""
