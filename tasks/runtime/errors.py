"""Errors for the user."""


class BreathlineError(Exception):
    """Error that the user can correct.

    Args:
        what: The fault, as one sentence.
        where: File, row or key at fault.
        hint: Next step.
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
    """Error that may pass by itself, such as a server that does not answer; a retry may succeed."""
