"""Names of the users of this machine."""

import pwd


def name(number: int) -> str:
    """Return the name of a user, or the number of a user without a name, as in containers."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
