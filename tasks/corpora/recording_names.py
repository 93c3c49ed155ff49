"""Names of recordings: their parts by a regular expression."""

import re

from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted


def parts(pattern: re.Pattern[str], recording: str, *, corpus: str, form: str, where: object = None) -> dict[str, str]:
    """Return the named parts of a recording's name; an optional part that it lacks is an empty text.

    Args:
        pattern: Regular expression of a whole name.
        recording: Name of the recording without its suffix.
        corpus: Title of the corpus with its article, for the error message.
        form: Form of a name, and an example.
        where: Place for the error message, such as a file; the name by default.

    Raises:
        BreathlineError: The name does not have this form.
    """
    match = pattern.fullmatch(recording)
    if match is None:
        raise BreathlineError(
            f"{quoted(recording)} is not the name of {corpus} recording.",
            where=quoted(recording) if where is None else where,
            hint=form,
        )
    return match.groupdict(default="")


def unnamed_groups(pattern: str) -> str:
    """Return a regular expression of whole texts without names of groups, of which pandas warns."""
    return re.sub(r"\?P<\w+>", "?:", f"^{pattern}$")
