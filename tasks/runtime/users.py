"""Names of the users of this machine; standard library only, because the launcher of a stage imports it first."""

import getpass
import os
import pwd


def name(number: int) -> str:
    """Return the name of a user, or the number of a user without a name, as in containers."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def own_name() -> str:
    """Return the name under which this process runs: that of the environment, or that of the system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # without a name
        return name(os.getuid())


def ensure_name() -> None:
    """Give a user without a name one in the environment, because DVC and torch ask for it."""
    os.environ.setdefault("USER", own_name())
