"""Errors for the user."""

import copyreg
from typing import Any


class BreathlineError(Exception):
    """Error that the user can correct. A pickled copy keeps the parts, so another process can show the whole error.

    Args:
        what: The fault, as one sentence.
        where: File, row or key at fault.
        hint: Next step.
    """

    def __init__(self, what: str, *, where: object = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        """Return the whole message, a line for each part."""
        parts = {"  where: ": self.where, "  next:  ": self.hint}
        return "\n".join([self.what, *(f"{name}{part}" for name, part in parts.items() if part is not None)])

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the parts for pickling; the default would keep only the positional argument."""
        where = None if self.where is None else str(self.where)
        return copyreg.__newobj__, (type(self), self.what), self.__dict__ | {"where": where}  # type: ignore[attr-defined]


class TransientError(BreathlineError):
    """Error that may pass by itself, such as a server that does not answer; a retry may succeed."""
